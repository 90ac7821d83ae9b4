/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void us_list_add(struct us_list *list, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	if (list->count + 1 >= list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		char **item = realloc(list->item, room * sizeof *item);

		if (!item) {
			list->failed = true;
			return;
		}
		list->item = item;
		list->room = room;
	}
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		list->failed = true;
		return;
	}
	list->item[list->count++] = text;
	list->item[list->count] = NULL;
}

bool us_list_has(const struct us_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->item[i], text))
			return true;
	return false;
}

int us_list_ok(const struct us_list *list, struct us_error *err)
{
	return list->failed ? us_fail(err, -ENOMEM, "out of memory") : 0;
}

void us_list_free(struct us_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct us_list){0};
}
