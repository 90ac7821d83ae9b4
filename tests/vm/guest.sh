# SPDX-License-Identifier: Apache-2.0
# For tests that boot the guest: read with `.` after tap.sh. Skips the test where the set-up was not made, unless
# UNDERSTUDY_REQUIRE_GUEST is set, as `make test` does.
# shellcheck shell=sh
if [ -z "${UNDERSTUDY_REQUIRE_GUEST:-}" ] && ! [ -e "${UNDERSTUDY_GUEST:-${UNDERSTUDY_TOOLS:?}/guest}/initrd" ]; then
	skip_all "no guest image: run tools/setup"
fi
