/* SPDX-License-Identifier: Apache-2.0 */
/* Everything as JSON, arrays unrolled, for comparison with other tools. The form is documented in docs/rdl.md. */
#include "rdl/internal.h"
#include "rdl/pci.h"
#include "rdl/text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct dump {
	struct us_rdl *rdl;
	struct us_rdl_pci pci;
	json_t *list; /* of what is being dumped */
};

/* Numbers that may need 64 bits are strings of hexadecimal digits: JSON's own are exact to 53 bits only. */
static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *hex_value(const struct us_rdl_value *value)
{
	char text[US_RDL_MAX_WIDTH / 4 + 3] = "0x";
	size_t length = 2, words = (value->width + 63) / 64;

	if (!value->wide)
		return hex(value->num);
	while (words > 1 && !value->wide[words - 1])
		words--;
	length += (size_t)snprintf(text + length, sizeof text - length, "%" PRIx64, value->wide[words - 1]);
	while (--words)
		length += (size_t)snprintf(text + length, sizeof text - length, "%016" PRIx64, value->wide[words - 1]);
	return json_string(text);
}

/* Text from the file is bytes; JSON is UTF-8. What is none is shown as '?'. */
static json_t *text(const char *bytes)
{
	json_t *string = json_string(bytes);
	char *copy, *at;

	if (string)
		return string;
	copy = at = strdup(bytes);
	for (; copy && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	string = copy ? json_string(copy) : NULL;
	free(copy);
	return string;
}

static void set_text(json_t *object, const char *key, const char *bytes)
{
	if (bytes)
		json_object_set_new(object, key, text(bytes));
}

static void set_texts(struct us_rdl *rdl, json_t *object, const struct us_rdl_node *node)
{
	set_text(object, "title", us_rdl_get_text(node, "name"));
	set_text(object, "desc", us_rdl_plain(rdl, us_rdl_get_text(node, "desc")));
}

static json_t *dump_value(const struct us_rdl_value *value)
{
	json_t *json;

	switch (value->type) {
	case US_RDL_INT:
		return hex_value(value);
	case US_RDL_BOOL:
		return json_boolean(value->num);
	case US_RDL_STRING:
		return text(value->text);
	case US_RDL_WORD:
		return json_string(us_rdl_word_name(value->num));
	case US_RDL_ENUM:
		for (size_t i = 0; i < value->enumeration->count; i++)
			if (value->enumeration->item[i].value == value->num)
				return json_sprintf("%s::%s", value->enumeration->name, value->enumeration->item[i].name);
		return hex(value->num);
	case US_RDL_ARRAY:
		json = json_array();
		for (uint32_t i = 0; i < value->count; i++)
			json_array_append_new(json, dump_value(&value->element[i]));
		return json;
	case US_RDL_STRUCT:
		json = json_object();
		for (uint32_t i = 0; i < value->count; i++)
			json_object_set_new(json, value->member[i].name, dump_value(&value->member[i].value));
		return json;
	case US_RDL_REF:
	case US_RDL_ENUM_TYPE:
	case US_RDL_NONE:
		break;
	}
	return json_null();
}

/* Properties that the user defined, but those of PCI, which have a place of their own. */
static void set_user(json_t *object, const struct us_rdl_node *node)
{
	json_t *user = json_object();

	for (size_t i = 0; i < node->nprops; i++)
		if (node->prop[i].user && strncmp(node->prop[i].name, "pci_", 4))
			json_object_set_new(user, node->prop[i].name, dump_value(&node->prop[i].value));
	if (json_object_size(user))
		json_object_set_new(object, "properties", user);
	else
		json_decref(user);
}

/* -- fields ----------------------------------------------------------------------------------------------------- */

static const char *sw_name(const struct us_rdl_access *access)
{
	if (access->once)
		return access->read ? "rw1" : "w1";
	return access->read ? access->write ? "rw" : "r" : access->write ? "w" : "na";
}

static json_t *dump_enum(struct us_rdl *rdl, const struct us_rdl_enum *encode)
{
	json_t *list = json_array();

	for (size_t i = 0; i < encode->count; i++) {
		json_t *item = json_object();

		set_text(item, "name", encode->item[i].name);
		json_object_set_new(item, "value", hex(encode->item[i].value));
		set_text(item, "desc", us_rdl_plain(rdl, encode->item[i].desc));
		json_array_append_new(list, item);
	}
	return list;
}

static void set_reference(struct dump *d, json_t *object, const char *key, const struct us_rdl_place *place)
{
	const struct us_rdl_prop *prop = us_rdl_get(place->node, key);
	struct us_rdl_place found[US_RDL_MAX_NESTING];
	size_t count;

	if (!prop || prop->value.type != US_RDL_REF)
		return;
	count = us_rdl_follow(place, prop->value.ref, found, US_RDL_MAX_NESTING);
	if (count)
		set_text(object, key, us_rdl_path(d->rdl, NULL, &found[count - 1]));
}

static json_t *dump_field(struct dump *d, const struct us_rdl_place *place)
{
	const struct us_rdl_node *field = place->node;
	json_t *object = json_object();
	struct us_rdl_access access;

	us_rdl_field_access(field, &access);
	set_text(object, "name", field->name);
	json_object_set_new(object, "lsb", json_integer(field->low));
	json_object_set_new(object, "msb", json_integer(field->high));
	if (field->msb0)
		json_object_set_new(object, "msb0", json_true());
	json_object_set_new(object, "sw", json_string(sw_name(&access)));
	json_object_set_new(object, "hw", json_string(us_rdl_word_name(us_rdl_get_word(field, "hw", US_RDL_RW))));
	if (access.onread)
		json_object_set_new(object, "onread", json_string(us_rdl_word_name(access.onread)));
	if (access.onwrite)
		json_object_set_new(object, "onwrite", json_string(us_rdl_word_name(access.onwrite)));
	json_object_set_new(object, "reset", access.has_reset ? hex_value(access.reset) : json_null());
	if (access.singlepulse)
		json_object_set_new(object, "singlepulse", json_true());
	if (access.counter)
		json_object_set_new(object, "counter", json_true());
	if (access.intr) {
		json_object_set_new(object, "intr", json_true());
		json_object_set_new(object, "sticky", json_boolean(access.sticky));
		set_reference(d, object, "enable", place);
		set_reference(d, object, "mask", place);
	}
	if (us_rdl_get(field, "pci_message"))
		json_object_set_new(object, "message", json_integer((json_int_t)us_rdl_get_int(field, "pci_message", 0)));
	if (us_rdl_encode(field)) {
		set_text(object, "encode", us_rdl_encode(field)->name);
		json_object_set_new(object, "enum", dump_enum(d->rdl, us_rdl_encode(field)));
	}
	set_texts(d->rdl, object, field);
	set_user(object, field);
	return object;
}

/* -- registers -------------------------------------------------------------------------------------------------- */

static json_t *dump_reg(struct dump *d, const struct us_rdl_place *place)
{
	const struct us_rdl_node *reg = place->node;
	json_t *object = json_object(), *fields = json_array();
	int bar = us_rdl_bar_of(&d->pci, place);

	set_text(object, "path", us_rdl_path(d->rdl, NULL, place));
	set_text(object, "type", reg->type_name);
	json_object_set_new(object, "address", hex(place->address));
	if (bar >= 0) {
		json_object_set_new(object, "bar", json_integer(bar));
		json_object_set_new(object, "offset", hex(place->address - d->pci.bar[bar].place.address));
	}
	json_object_set_new(object, "width", json_integer(us_rdl_regwidth(reg)));
	json_object_set_new(object, "access", json_integer(us_rdl_accesswidth(reg)));
	if (reg->external)
		json_object_set_new(object, "external", json_true());
	if (reg->alias_of)
		set_text(object, "alias", reg->alias_of->name);
	set_texts(d->rdl, object, reg);
	set_user(object, reg);
	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD) {
			struct us_rdl_place below = {place, field, 0, place->address};

			json_array_append_new(fields, dump_field(d, &below));
		}
	json_object_set_new(object, "fields", fields);
	return object;
}

static json_t *dump_mem(struct dump *d, const struct us_rdl_place *place)
{
	json_t *object = json_object();
	struct us_rdl_access access;

	us_rdl_field_access(place->node, &access);
	set_text(object, "path", us_rdl_path(d->rdl, NULL, place));
	json_object_set_new(object, "address", hex(place->address));
	json_object_set_new(object, "size", hex(place->node->size));
	json_object_set_new(object, "entries", json_integer((json_int_t)us_rdl_get_int(place->node, "mementries", 0)));
	json_object_set_new(object, "width", json_integer((json_int_t)us_rdl_get_int(place->node, "memwidth", 32)));
	json_object_set_new(object, "sw", json_string(sw_name(&access)));
	set_texts(d->rdl, object, place->node);
	set_user(object, place->node);
	return object;
}

static int visit_reg(void *ctx, const struct us_rdl_place *place)
{
	struct dump *d = ctx;

	if (place->node->kind == US_RDL_REG) {
		json_array_append_new(d->list, dump_reg(d, place));
		return 1;
	}
	return place->node->kind == US_RDL_FIELD || place->node->kind == US_RDL_SIGNAL;
}

static int visit_mem(void *ctx, const struct us_rdl_place *place)
{
	struct dump *d = ctx;

	if (place->node->kind == US_RDL_MEM)
		json_array_append_new(d->list, dump_mem(d, place));
	return place->node->kind != US_RDL_ADDRMAP && place->node->kind != US_RDL_REGFILE;
}

/* -- the function ----------------------------------------------------------------------------------------------- */

static json_t *dump_bars(const struct us_rdl_pci *pci)
{
	static const char *const kind[] = {"none", "mem32", "mem64", "io"};
	json_t *list = json_array();

	for (unsigned i = 0; i < US_BARS; i++) {
		json_t *bar = json_object();

		if (pci->bar[i].kind == US_BAR_NONE) {
			json_decref(bar);
			continue;
		}
		json_object_set_new(bar, "number", json_integer(i));
		json_object_set_new(bar, "kind", json_string(kind[pci->bar[i].kind]));
		json_object_set_new(bar, "prefetchable", json_boolean(pci->bar[i].prefetchable));
		json_object_set_new(bar, "size", hex(pci->bar[i].size));
		if (pci->bar[i].place.node)
			set_text(bar, "name", pci->bar[i].place.node->name);
		json_array_append_new(list, bar);
	}
	return list;
}

static json_t *dump_pci(const struct us_rdl_pci *pci)
{
	const struct us_pci *facts = &pci->facts;
	json_t *object = json_object();

	json_object_set_new(object, "vendor_id", hex(facts->vendor_id));
	json_object_set_new(object, "device_id", hex(facts->device_id));
	json_object_set_new(object, "subsystem_vendor_id", hex(facts->subsystem_vendor_id));
	json_object_set_new(object, "subsystem_id", hex(facts->subsystem_id));
	json_object_set_new(object, "class_code", hex(facts->class_code));
	json_object_set_new(object, "revision", hex(facts->revision));
	json_object_set_new(object, "intx_pin", json_integer(facts->intx_pin));
	json_object_set_new(object, "msi", json_integer(facts->msi));
	json_object_set_new(object, "msi_masking", json_boolean(facts->msi_masking));
	json_object_set_new(object, "msix", json_integer(facts->msix));
	if (facts->msix) {
		json_object_set_new(object, "msix_table_bar", json_integer(facts->msix_table_bar));
		json_object_set_new(object, "msix_table_offset", hex(facts->msix_table_offset));
		json_object_set_new(object, "msix_pba_bar", json_integer(facts->msix_pba_bar));
		json_object_set_new(object, "msix_pba_offset", hex(facts->msix_pba_offset));
	}
	json_object_set_new(object, "pm", json_boolean(facts->pm));
	json_object_set_new(object, "express", json_boolean(facts->express));
	json_object_set_new(object, "flr", json_boolean(facts->flr));
	json_object_set_new(object, "bars", dump_bars(pci));
	return object;
}

int us_rdl_write_dump(struct us_rdl *rdl, FILE *out)
{
	struct dump *d = US_ARENA_NEW(&rdl->arena, struct dump);
	json_t *root;
	int result = 0;

	d->rdl = rdl;
	if (us_rdl_gather_pci(rdl, &d->pci, false))
		return -EINVAL;
	if (us_rdl_count(us_rdl_top(rdl)) > US_RDL_MAX_VISITS) {
		us_rdl_error(rdl, us_rdl_top(rdl)->pos, "there are more than %zu registers and fields, too many for a dump",
			     US_RDL_MAX_VISITS);
		return -EINVAL;
	}
	root = json_object();
	set_text(root, "name", us_rdl_top(rdl)->name);
	set_texts(rdl, root, us_rdl_top(rdl));
	json_object_set_new(root, "size", hex(us_rdl_top(rdl)->size));
	set_user(root, us_rdl_top(rdl));
	if (d->pci.any)
		json_object_set_new(root, "pci", dump_pci(&d->pci));
	json_object_set_new(root, "registers", d->list = json_array());
	us_rdl_walk(&d->pci.top, visit_reg, d);
	json_object_set_new(root, "memories", d->list = json_array());
	us_rdl_walk(&d->pci.top, visit_mem, d);
	if (json_dumpf(root, out, JSON_INDENT(2)))
		result = -EIO;
	fputc('\n', out);
	json_decref(root);
	return result;
}
