/* SPDX-License-Identifier: Apache-2.0 */
/* The types of values (SystemRDL 2.0, clause 6): which value is of which type, and as what it counts there. */
#include "rdl/eval.h"

const char *us_rdl_describe(const struct us_rdl_value *value)
{
	switch (value->type) {
	case US_RDL_INT:
		return "a number";
	case US_RDL_BOOL:
		return "true or false";
	case US_RDL_STRING:
		return "a string";
	case US_RDL_WORD:
		return us_rdl_word_name(value->num);
	case US_RDL_ENUM:
		return "an enumerator";
	case US_RDL_ENUM_TYPE:
		return "an enum";
	case US_RDL_REF:
		return "a reference";
	case US_RDL_ARRAY:
		return "an array";
	case US_RDL_STRUCT:
		return "a struct";
	case US_RDL_NONE:
		break;
	}
	return "nothing";
}

static bool is_word_between(const struct us_rdl_value *value, enum us_rdl_word first, enum us_rdl_word last)
{
	return value->type == US_RDL_WORD && value->num >= first && value->num <= last;
}

static bool has_type(const struct us_rdl_datatype *type, const struct us_rdl_value *value)
{
	switch (type->base) {
	case US_RDL_BIT:
	case US_RDL_LONGINT:
	case US_RDL_BOOLEAN:
		return us_rdl_is_number(value);
	case US_RDL_TEXT:
		return value->type == US_RDL_STRING;
	case US_RDL_ACCESSTYPE:
		return is_word_between(value, US_RDL_NA, US_RDL_W1);
	case US_RDL_ONREADTYPE:
		return is_word_between(value, US_RDL_RCLR, US_RDL_RUSER);
	case US_RDL_ONWRITETYPE:
		return is_word_between(value, US_RDL_WOSET, US_RDL_WUSER);
	case US_RDL_ADDRESSINGTYPE:
		return is_word_between(value, US_RDL_COMPACT, US_RDL_FULLALIGN);
	case US_RDL_PRECEDENCETYPE:
		return is_word_between(value, US_RDL_HW, US_RDL_SW);
	case US_RDL_USER_ENUM:
		return value->type == US_RDL_ENUM && value->enumeration == type->enumeration;
	case US_RDL_USER_STRUCT:
		return value->type == US_RDL_STRUCT;
	case US_RDL_REFERENCE:
		return value->type == US_RDL_REF;
	}
	return false;
}

static const char *type_name(const struct us_rdl_datatype *type)
{
	static const char *const name[] = {
		[US_RDL_BIT] = "a number",	     [US_RDL_LONGINT] = "a number",
		[US_RDL_BOOLEAN] = "true or false",  [US_RDL_TEXT] = "a string",
		[US_RDL_ACCESSTYPE] = "rw, r, w, rw1, w1 or na",
		[US_RDL_ADDRESSINGTYPE] = "compact, regalign or fullalign",
		[US_RDL_ONREADTYPE] = "rclr, rset or ruser",
		[US_RDL_ONWRITETYPE] = "woset, woclr, wot, wzs, wzc, wzt, wclr, wset or wuser",
		[US_RDL_PRECEDENCETYPE] = "hw or sw", [US_RDL_USER_ENUM] = "an enumerator of its enum",
		[US_RDL_USER_STRUCT] = "a struct",   [US_RDL_REFERENCE] = "a reference",
	};

	return name[type->base];
}

bool us_rdl_convert(struct us_rdl *rdl, const struct us_rdl_datatype *type, struct us_rdl_value *value,
		    struct us_rdl_pos pos, const char *what)
{
	if (value->type == US_RDL_NONE)
		return false;
	if (type->array) {
		struct us_rdl_datatype one = *type;
		struct us_rdl_value *element;

		one.array = false;
		if (value->type != US_RDL_ARRAY) {
			us_rdl_error(rdl, pos, "%s must be an array, not %s", what, us_rdl_describe(value));
			return false;
		}
		element = us_arena_alloc(&rdl->arena, (value->count + 1) * sizeof *element);
		for (uint32_t i = 0; i < value->count; i++) {
			element[i] = value->element[i];
			if (!us_rdl_convert(rdl, &one, &element[i], pos, what))
				return false;
		}
		value->element = element;
		return true;
	}
	if (!has_type(type, value)) {
		us_rdl_error(rdl, pos, "%s must be %s, not %s", what, type_name(type), us_rdl_describe(value));
		return false;
	}
	if (type->base == US_RDL_BOOLEAN)
		*value = us_rdl_truth(value->num);
	else if (type->base == US_RDL_LONGINT && !(value->type == US_RDL_INT && value->wide))
		*value = us_rdl_number(value->num, 64);
	else if (type->base == US_RDL_BIT && value->type != US_RDL_INT)
		*value = us_rdl_number(value->num, value->width);
	return true;
}
