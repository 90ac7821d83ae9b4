/* SPDX-License-Identifier: Apache-2.0 */
/* Text for the outputs: what a desc says without its markup, and how C writes it. */
#ifndef UNDERSTUDY_RDL_TEXT_H
#define UNDERSTUDY_RDL_TEXT_H

#include "rdl/rdl.h"

/*
 * A name or desc as plain text: formatting codes (annex F) taken out, lines joined, paragraphs apart by an empty line.
 * NULL for NULL or nothing left. The context owns it.
 */
const char *us_rdl_plain(struct us_rdl *rdl, const char *text);

/* Its first sentence, without the full stop's followers. */
const char *us_rdl_first_sentence(struct us_rdl *rdl, const char *text);

/* The text as a C string literal, or NULL as that word. */
void us_rdl_c_string(FILE *out, const char *text);

/* "COMMAND" of "command". */
const char *us_rdl_upper(struct us_rdl *rdl, const char *text);

/* "crypto.rdl" of the path of the file that was asked for. */
const char *us_rdl_base_name(const struct us_rdl *rdl);

#endif
