# SPDX-License-Identifier: Apache-2.0
# For tests of the crypto device on targets other than the model: read with `.` after tap.sh and after setting
# understudy=, demo= and programs= (the conformance tests). A test that passes on the model passes on every target.
# shellcheck shell=sh

# serve_crypto: serves it at $scratch/socket until the test ends.
serve_crypto() {
	"$understudy" serve crypto --socket "$scratch/socket" >"$scratch/server" 2>&1 &
	server=$!
	trap 'kill "$server" 2>/dev/null; rm -rf "$scratch"' EXIT
	waited=0
	while ! [ -e "$scratch/socket" ] && [ $((waited += 1)) -lt 100 ]; do sleep 0.1; done
}

# names FILE: the tests in TAP that passed.
names() {
	sed -n 's/^ok [0-9]* - //p' "$1"
}

# on_model: what the model passes, to $scratch/model.
on_model() {
	for program in $programs; do
		CMOCKA_MESSAGE_OUTPUT=TAP "$program" model >"$scratch/model.part" 2>/dev/null
		names "$scratch/model.part"
	done >"$scratch/model"
}

# check_target TARGET-IN-WORDS TAP: the same tests, with the same results.
check_target() {
	names "$2" >"$scratch/passed"
	check "$1, every test passes that passes on the model" diff "$scratch/model" "$scratch/passed"
	check '... and none fails' sh -c '! grep -A 5 "^not ok" "$1"' sh "$2"
	check '... and there are some' sh -c '[ "$(wc -l <"$1")" -ge 80 ]' sh "$scratch/passed"
}

# check_demo WHERE OUTPUT STATUS: the demo's table, with each way of interrupting.
check_demo() {
	check "$1, the demo ends well" same 0 "$3"
	for granted in 'INTx, a line' 'MSI, 1 message' 'MSI, 4 messages'; do
		check "... $granted: seven commands done, one failed, one reset, data as published" \
			grep -E "^  $granted +7 +1 +1 +65.2 MiB +as published" "$2"
	done
}
