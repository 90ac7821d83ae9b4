/* SPDX-License-Identifier: Apache-2.0 */
/* Text that may hold anything, written so that a reader of the format takes it for text. Any thread. */
#ifndef UNDERSTUDY_BASE_QUOTE_H
#define UNDERSTUDY_BASE_QUOTE_H

#include <stdio.h>

/* A double-quoted scalar of YAML 1.2 (7.3.1), with its quotes. */
void us_put_yaml(FILE *out, const char *text);

/* The line of a member of a TAP result's block: "  key: " and such a scalar. */
void us_put_yaml_member(FILE *out, const char *key, const char *text);

/*
 * HTML and XML, as an element's content and in an attribute with double quotes. Control characters that neither can hold at
 * all (XML 1.0, 2.2; HTML, 13.1.3), become '?'. `text` may be NULL: nothing.
 */
void us_put_markup(FILE *out, const char *text);

#endif
