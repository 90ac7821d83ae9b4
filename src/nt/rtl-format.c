/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted output with Microsoft's rules. Microsoft, "Format specification syntax: printf and wprintf functions". */
#include "nt/rtl.h"

struct output {
	void *to;
	size_t size, used;
	bool wide;
};

struct spec {
	bool left, plus, space, alternate, zero, has_precision;
	int width, precision;
	unsigned bytes; /* of an integer */
	enum { NO_SIZE, NARROW, WIDE } text; /* h, or l and w, before a character or string */
	unsigned c; /* the conversion */
};

static unsigned get(const void *text, size_t i, bool wide)
{
	return wide ? ((const WCHAR *)text)[i] : ((const unsigned char *)text)[i];
}

static void put(struct output *out, unsigned c)
{
	if (out->used < out->size) {
		if (out->wide)
			((WCHAR *)out->to)[out->used] = (WCHAR)c;
		else
			((char *)out->to)[out->used] = (char)(c < 0x100 ? c : '?');
	}
	out->used++;
}

static void pad(struct output *out, unsigned c, int n)
{
	while (n-- > 0)
		put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const void *text, size_t length, bool wide)
{
	int fill = spec->width > (int)length ? spec->width - (int)length : 0;

	if (!spec->left)
		pad(out, spec->zero ? '0' : ' ', fill);
	for (size_t i = 0; i < length; i++)
		put(out, get(text, i, wide));
	if (spec->left)
		pad(out, ' ', fill);
}

static size_t length_of(const void *text, size_t limit, bool wide)
{
	size_t n = 0;

	while (n < limit && get(text, n, wide))
		n++;
	return n;
}

static void put_string(struct output *out, const struct spec *spec, const void *text, bool wide)
{
	if (!text) {
		text = "(null)";
		wide = false;
	}
	put_text(out, spec, text, length_of(text, spec->has_precision ? (size_t)spec->precision : SIZE_MAX, wide),
		 wide);
}

/* %Z: a counted string, ANSI_STRING or (w) UNICODE_STRING. */
static void put_counted(struct output *out, const struct spec *spec, const UNICODE_STRING *string, bool wide)
{
	if (!string || !string->Buffer)
		put_string(out, spec, NULL, false);
	else
		put_text(out, spec, string->Buffer, wide ? string->Length / sizeof(WCHAR) : string->Length, wide);
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base, const char *prefix)
{
	const char *digits = spec->c == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
	char text[24];
	int n = 0, zeros, fill;

	for (; value; value /= base)
		text[n++] = digits[value % base];
	if (n == 0 && !(spec->has_precision && spec->precision == 0))
		text[n++] = '0';
	zeros = spec->has_precision && spec->precision > n ? spec->precision - n : 0;
	fill = spec->width - n - zeros - (int)strlen(prefix);
	if (spec->zero && !spec->left && !spec->has_precision && fill > 0) {
		zeros = fill;
		fill = 0;
	}
	if (!spec->left)
		pad(out, ' ', fill);
	while (*prefix)
		put(out, (unsigned char)*prefix++);
	pad(out, '0', zeros);
	while (n > 0)
		put(out, (unsigned char)text[--n]);
	if (spec->left)
		pad(out, ' ', fill);
}

static int64_t sign_extend(uint64_t value, unsigned bytes)
{
	switch (bytes) {
	case 1:
		return (int8_t)value;
	case 2:
		return (int16_t)value;
	case 4:
		return (int32_t)value;
	}
	return (int64_t)value;
}

static void put_integer(struct output *out, const struct spec *spec, uint64_t value)
{
	uint64_t mask = spec->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << spec->bytes * 8) - 1;
	int64_t s = sign_extend(value, spec->bytes);

	switch (spec->c) {
	case 'd':
	case 'i':
		put_number(out, spec, s < 0 ? 0 - (uint64_t)s : (uint64_t)s, 10,
			   s < 0         ? "-"
			   : spec->plus  ? "+"
			   : spec->space ? " "
					 : "");
		break;
	case 'u':
		put_number(out, spec, value & mask, 10, "");
		break;
	case 'o':
		put_number(out, spec, value & mask, 8, spec->alternate && value & mask ? "0" : "");
		break;
	default:
		put_number(out, spec, value & mask, 16,
			   !spec->alternate || !(value & mask) ? ""
			   : spec->c == 'x'                    ? "0x"
							       : "0X");
	}
}

static size_t read_size(struct spec *spec, const void *format, size_t i, bool wide)
{
	spec->bytes = 4;
	for (;; i++) {
		switch (get(format, i, wide)) {
		case 'h':
			spec->bytes = spec->text == NARROW ? 1 : 2;
			spec->text = NARROW;
			continue;
		case 'l':
			if (spec->text == WIDE)
				spec->bytes = 8;
			spec->text = WIDE; /* a long has four bytes */
			continue;
		case 'w':
			spec->text = WIDE;
			continue;
		case 'j':
		case 'z':
		case 't':
			spec->bytes = 8;
			continue;
		case 'I':
			spec->bytes = 8;
			if (get(format, i + 1, wide) == '6' && get(format, i + 2, wide) == '4') {
				i += 2;
			} else if (get(format, i + 1, wide) == '3' && get(format, i + 2, wide) == '2') {
				spec->bytes = 4;
				i += 2;
			}
			continue;
		}
		return i;
	}
}

static size_t read_flags(struct spec *spec, const void *format, size_t i, bool wide)
{
	for (;; i++) {
		switch (get(format, i, wide)) {
		case '-':
			spec->left = true;
			continue;
		case '+':
			spec->plus = true;
			continue;
		case ' ':
			spec->space = true;
			continue;
		case '#':
			spec->alternate = true;
			continue;
		case '0':
			spec->zero = true;
			continue;
		}
		return i;
	}
}

static size_t read_count(int *count, const void *format, size_t i, bool wide)
{
	for (*count = 0; get(format, i, wide) - '0' < 10u; i++)
		if (*count < 100000)
			*count = *count * 10 + (int)(get(format, i, wide) - '0');
	return i;
}

static bool is_wide(const struct spec *spec, bool by_default)
{
	return spec->text == NO_SIZE ? by_default : spec->text == WIDE;
}

size_t us_rtl_format(void *to, size_t size, bool wide, const void *format, __builtin_ms_va_list args)
{
	struct output out = {.to = to, .size = size, .wide = wide};

	for (size_t i = 0; get(format, i, wide); i++) {
		struct spec spec = {0};
		unsigned c = get(format, i, wide);
		WCHAR character;

		if (c != '%') {
			put(&out, c);
			continue;
		}
		i = read_flags(&spec, format, i + 1, wide);
		if (get(format, i, wide) == '*') {
			spec.width = __builtin_va_arg(args, int);
			i++;
		} else {
			i = read_count(&spec.width, format, i, wide);
		}
		if (spec.width < 0) {
			spec.left = true;
			spec.width = -spec.width;
		}
		if (get(format, i, wide) == '.') {
			spec.has_precision = true;
			if (get(format, i + 1, wide) == '*') {
				spec.precision = __builtin_va_arg(args, int);
				i += 2;
				spec.has_precision = spec.precision >= 0;
			} else {
				i = read_count(&spec.precision, format, i + 1, wide);
			}
		}
		i = read_size(&spec, format, i, wide);
		spec.c = get(format, i, wide);
		switch (spec.c) {
		case 'd':
		case 'i':
		case 'u':
		case 'x':
		case 'X':
		case 'o':
			put_integer(&out, &spec, __builtin_va_arg(args, uint64_t));
			break;
		case 'p':
			spec.c = 'X';
			spec.has_precision = true;
			spec.precision = 16;
			put_number(&out, &spec, __builtin_va_arg(args, uint64_t), 16, spec.alternate ? "0X" : "");
			break;
		case 'c':
		case 'C':
			character = (WCHAR) __builtin_va_arg(args, uint64_t);
			if (!is_wide(&spec, wide == (spec.c == 'c')))
				character &= 0xff;
			put_text(&out, &spec, &character, 1, true);
			break;
		case 's':
		case 'S':
			put_string(&out, &spec, __builtin_va_arg(args, const void *),
				   is_wide(&spec, wide == (spec.c == 's')));
			break;
		case 'Z':
			put_counted(&out, &spec, __builtin_va_arg(args, const UNICODE_STRING *), spec.text == WIDE);
			break;
		case '%':
			put(&out, '%');
			break;
		case 0:
			return out.used;
		default:
			us_nt_unsupported(
				"a format of printf's kind has the conversion '%c', which the stage does not have",
				spec.c);
		}
	}
	return out.used;
}
