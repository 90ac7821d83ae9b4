# SPDX-License-Identifier: Apache-2.0
# For tests in shell: read with `.`, then say a sentence for each check, and end with `finish`. Prints TAP.
# shellcheck shell=sh

count=0
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# check SENTENCE COMMAND...: the sentence holds when the command succeeds.
check() {
	sentence=$1
	shift
	count=$((count + 1))
	if "$@" >"$scratch/why" 2>&1; then
		echo "ok $count - $sentence"
	else
		echo "not ok $count - $sentence"
		echo "$*" | cat - "$scratch/why" | sed 's/^/# /'
		failures=$((failures + 1))
	fi
}

# same WANTED GIVEN
same() {
	[ "$1" = "$2" ] || {
		printf 'wanted: %s\ngiven:  %s\n' "$1" "$2"
		return 1
	}
}

# has FILE TEXT, hasnt FILE TEXT: a line of the file contains the text.
has() {
	grep -qF -e "$2" "$1" || {
		echo "'$2' is not in:"
		cat "$1"
		return 1
	}
}

hasnt() {
	! has "$1" "$2" >/dev/null || {
		echo "'$2' is in:"
		cat "$1"
		return 1
	}
}

# comes FILE: somebody writes into it, within a minute.
comes() {
	waited=0
	while ! [ -s "$1" ] && [ $((waited += 1)) -lt 600 ]; do sleep 0.1; done
	[ -s "$1" ]
}

# skip_all WHY: ends a test that can not be made here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

finish() {
	echo "1..$count"
	[ "$failures" = 0 ]
	exit
}
