# SPDX-License-Identifier: Apache-2.0
# What the set-up scripts share. Read with `.` from the project's root.

tools=$PWD/build-tools # of this checkout, for every build directory in it; `make clean` leaves it, `make distclean` does not

# The Debian release that QEMU (from its backports) and the guest's kernel come from.
release=trixie

say() {
	echo "set-up: $*"
}

fail() {
	echo "set-up: $*" >&2
	exit 1
}

# fail_with LOG SENTENCE: a command failed and its output is in LOG.
fail_with() {
	tail -n 15 "$1" >&2
	shift
	fail "$@"
}

is_debian() {
	grep -qs '^ID=debian$' "${OS_RELEASE:-/etc/os-release}" && command -v apt-get >/dev/null && command -v dpkg-query >/dev/null
}

# The signature options of the apt source that FILE:NUMBER names, as apt-get indextargets counts: lines in a one-line
# file, paragraphs in a deb822 file. Prints the path of the keyring, or nothing.
source_keyring() {
	file=${1%:*} number=${1##*:}
	case $file in
	*.sources)
		awk -v n="$number" 'BEGIN { RS = ""; FS = "\n" } { gsub(/(^|\n)#[^\n]*/, "") }
			/[^[:space:]]/ && ++i == n {
				for (f = 1; f <= NF; f++)
					if (tolower($f) ~ /^signed-by:/) { sub(/^[^:]*:[ \t]*/, "", $f); print $f }
			}' "$file"
		;;
	*)
		sed -n "${number}s/.*\[[^]]*signed-by=\([^] ]*\).*/\1/p" "$file"
		;;
	esac | grep '^/' | cut -d, -f1
}

# Finds the Debian archive among this machine's apt sources: sets mirror to its address and keyring to the path of the
# key that signs it, empty when apt's own trusted keys do. Other people's archives may be configured too, under the
# same release name, so the archive has to say itself that it is Debian.
find_mirror() {
	entry=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(SOURCESENTRY)' \
		'Created-By: Packages' 'Component: main' | grep '^Debian|Debian|' | head -n 1)
	[ -n "$entry" ] || return 1
	entry=${entry#Debian|Debian|}
	mirror=${entry%%|*}
	keyring=$(source_keyring "${entry#*|}")
}

# Directories for an apt that works beside the machine's: it keeps its lists and packages to itself and needs no root.
# apt_config DIR [SOURCES] writes them and their configuration, of which APT_CONFIG=DIR/apt.conf makes apt-get use;
# without SOURCES the machine's own sources are read.
apt_config() {
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
	: >"$1/state/status" # no package is installed
	cat >"$1/apt.conf" <<-EOF
		Dir::State "$1/state";
		Dir::State::status "$1/state/status";
		Dir::Cache "$1/cache";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "amd64";
		APT::Architectures "amd64";
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		APT::Update::Post-Invoke-Success "";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	[ $# = 1 ] || cat >>"$1/apt.conf" <<-EOF
		Dir::Etc::sourcelist "$2";
		Dir::Etc::sourceparts "/dev/null";
	EOF
}

# use_private_apt WHAT ELSE: makes apt-get, from here on, work in build-tools/apt with the release that WHAT comes from.
# ELSE says what to do on a machine that is no Debian.
use_private_apt() {
	is_debian || fail "this machine is no Debian, from whose archive $1 would come: $2. 'make build' does without"
	apt=$tools/apt
	if ! find_mirror; then # the machine's lists were never fetched: fetch them here, where no root is needed
		apt_config "$apt/machine"
		APT_CONFIG=$apt/machine/apt.conf
		export APT_CONFIG
		apt-get update -qq >"$apt/log" 2>&1 || fail_with "$apt/log" "apt-get update failed"
		find_mirror || fail "none of this machine's apt sources is the Debian archive, from which $1 would come"
	fi
	signed=
	[ -z "$keyring" ] || signed=" signed-by=$keyring"
	apt_config "$apt/$release" "$apt/$release/sources.list"
	for suite in $release $release-backports; do
		echo "deb [arch=amd64$signed] $mirror $suite main"
	done >"$apt/$release/sources.list"
	APT_CONFIG=$apt/$release/apt.conf
	export APT_CONFIG
	[ -e "$apt/$release/updated" ] || apt-get update -qq >"$apt/log" 2>&1 ||
		fail_with "$apt/log" "the lists of $release and $release-backports could not be fetched from $mirror"
	: >"$apt/$release/updated"
}
