# SPDX-License-Identifier: Apache-2.0
# What a telling of the crypto driver's stories has to show, whoever plays the device. Read with `.` after tap.sh.
# shellcheck shell=sh

# told TAP WHERE: all stories passed or were skipped for a reason, and they were told.
told() {
	check "$2: no story fails" sh -c '! grep "^not ok" -A 6 "$1"' sh "$1"
	check "$2: ... and all of them are told" same "$(sed -n 's/^1\.\.//p' "$1")" "$(grep -c '^ok ' "$1")"
	check "$2: only what needs virtual time is skipped" \
		same '' "$(sed -n '/# SKIP/p' "$1" | grep -v 'needs a model in virtual time$')"
	for story in life.in-and-out life.asleep-and-awake life.other-resources life.pulled-out data.published-vectors \
		interrupts.line interrupts.msi-4 interrupts.msix-4 many.in-flight.line cancel.at-any-moment pulled-out.at-work; do
		check "$2: $story" grep -q "^ok [0-9]* - $story # [0-9]* rehearsal" "$1"
	done
}
