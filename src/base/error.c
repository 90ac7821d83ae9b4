/* SPDX-License-Identifier: Apache-2.0 */
#include <understudy/error.h>

#include <stdio.h>

int us_vfail(struct us_error *err, int code, const char *format, va_list args)
{
	if (err)
		vsnprintf(err->text, sizeof err->text, format, args);
	return code;
}

int us_fail(struct us_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	us_vfail(err, code, format, args);
	va_end(args);
	return code;
}
