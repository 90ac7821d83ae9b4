/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word of the command line: as Windows gave it, for opening files of any name, and in UTF-8, for everything else.
 */
#ifndef CRYPTO_WORD_H
#define CRYPTO_WORD_H

#include <wchar.h>

struct word {
	const wchar_t *wide;
	const char *text;
};

#endif
