/* SPDX-License-Identifier: Apache-2.0 */
/* Which of many named things a user means: tests, stories. */
#ifndef UNDERSTUDY_BASE_NAMES_H
#define UNDERSTUDY_BASE_NAMES_H

#include <stdbool.h>

/*
 * Does `filter` choose `name`? It is globs (fnmatch) with commas between; one with '!' before it takes away, and the last
 * that matches decides. One that begins by taking away takes from all; NULL chooses all. Any thread.
 */
bool us_name_is_chosen(const char *filter, const char *name);

#endif
