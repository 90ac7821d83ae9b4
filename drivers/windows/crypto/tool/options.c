/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line after the verb: GNU long options, which may stand anywhere before "--".
 */
#include "tool.h"

#include "say.h"

#include <stddef.h>
#include <string.h>

#define MAXIMUM_DEPTH 64
#define MAXIMUM_SECONDS 3600

static const struct option {
	const char *name;
	unsigned takes; /* the verbs that know it; 0: all */
	size_t offset; /* in struct options */
	ULONG64 maximum; /* of a number; 0: it is a word */
} options_known[] = {
	{"device", 0, offsetof(struct options, device), 1023},
	{"key", TAKES_KEY, offsetof(struct options, key), 0},
	{"iv", TAKES_KEY, offsetof(struct options, iv), 0},
	{"size", TAKES_BENCH, offsetof(struct options, size), CRYPTO_MAXIMUM_REQUEST},
	{"seconds", TAKES_BENCH, offsetof(struct options, seconds), MAXIMUM_SECONDS},
	{"depth", TAKES_BENCH, offsetof(struct options, depth), MAXIMUM_DEPTH},
};

BOOL parse_number(const char *text, ULONG64 maximum, ULONG64 *number)
{
	static const char units[] = "KMG";
	const char *unit;
	ULONG64 value = 0;

	if (*text < '0' || *text > '9')
		return FALSE;
	for (; *text >= '0' && *text <= '9'; text++) {
		ULONG64 digit = (ULONG64)(*text - '0');

		if (digit > maximum || value > (maximum - digit) / 10)
			return FALSE;
		value = value * 10 + digit;
	}
	unit = *text ? strchr(units, *text) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (value > maximum >> shift)
			return FALSE;
		value <<= shift;
		text++;
	}
	*number = value;
	return !*text;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

BOOL parse_hex(const char *text, UCHAR *bytes, unsigned count)
{
	if (strlen(text) != 2 * (size_t)count)
		return FALSE;
	for (unsigned i = 0; i < count; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return FALSE;
		bytes[i] = (UCHAR)(high << 4 | low);
	}
	return TRUE;
}

/* The option of that name, which ends at `length`, if the verb knows it. */
static const struct option *find(const struct verb *verb, const char *name, size_t length)
{
	for (unsigned i = 0; i < ARRAYSIZE(options_known); i++) {
		const struct option *option = &options_known[i];

		if (strlen(option->name) == length && !strncmp(option->name, name, length) &&
		    (!option->takes || option->takes & verb->takes))
			return option;
	}
	return NULL;
}

static BOOL set(const struct option *option, const struct word *value, struct options *options)
{
	void *member = (char *)options + option->offset;

	if (!option->maximum) {
		*(struct word *)member = *value;
		return TRUE;
	}
	if (parse_number(value->text, option->maximum, member))
		return TRUE;
	complain("--%s takes a number from 0 to %llu, not '%s'", option->name, option->maximum, value->text);
	return FALSE;
}

/*
 * The option at `words`, with its value, which may be in the next word. Returns how many words it took, 0 after a
 * complaint.
 */
static unsigned parse_option(const struct verb *verb, struct word *words, unsigned count, struct options *options)
{
	const char *name = words[0].text + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct option *option = find(verb, name, length);

	if (!option) {
		complain("%s has no option '--%.*s'; see 'cryptoctl %s --help'", verb->name, (int)length, name,
			 verb->name);
		return 0;
	}
	if (equals) {
		words[0].text = equals + 1;
		words[0].wide = wcschr(words[0].wide, L'=') + 1;
		return set(option, &words[0], options) ? 1 : 0;
	}
	if (count < 2) {
		complain("--%s needs a value; see 'cryptoctl %s --help'", option->name, verb->name);
		return 0;
	}
	return set(option, &words[1], options) ? 2 : 0;
}

BOOL parse_options(const struct verb *verb, struct word *words, unsigned count, struct options *options)
{
	BOOL only_operands = FALSE;
	unsigned took;

	memset(options, 0, sizeof(*options));
	options->seconds = 1;
	options->operands = words;
	for (unsigned i = 0; i < count; i += took) {
		took = 1;
		if (!only_operands && !strcmp(words[i].text, "--")) {
			only_operands = TRUE;
		} else if (!only_operands && !strncmp(words[i].text, "--", 2)) {
			took = parse_option(verb, words + i, count - i, options);
			if (!took)
				return FALSE;
		} else if (!only_operands && words[i].text[0] == '-' && words[i].text[1]) {
			complain("'%s' is no option; they begin with two hyphens, see 'cryptoctl %s --help'",
				 words[i].text, verb->name);
			return FALSE;
		} else {
			words[options->count++] = words[i]; /* in the place of a word that was read already */
		}
	}
	if (options->count >= verb->minimum && options->count <= verb->maximum)
		return TRUE;
	complain("after its options %s takes %s; see 'cryptoctl %s --help'", verb->name,
		 *verb->operands ? verb->operands : "nothing", verb->name);
	return FALSE;
}
