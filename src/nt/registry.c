/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of keys and their values, and where the values of an INF go. */
#include "nt/registry.h"

#include "nt/kernel.h"
#include "nt/ob.h"
#include "nt/phys.h"

#define TAG 0x6d436d43 /* CmCm */

struct us_registry {
	struct us_key root;
};

/* An open key, as an object: what handles are of. */
struct open_key {
	struct us_key *key;
};

/* -- strings ------------------------------------------------------------------------------------------------------ */

static size_t decode(const char *text, uint32_t *code)
{
	const unsigned char *u = (const unsigned char *)text;
	size_t more = *u >= 0xf0 ? 3 : *u >= 0xe0 ? 2 : *u >= 0xc0 ? 1 : 0;

	*code = more == 3 ? *u & 7 : more == 2 ? *u & 15 : more == 1 ? *u & 31 : *u;
	for (size_t i = 1; i <= more; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*code = 0xfffd;
			return i;
		}
		*code = *code << 6 | (u[i] & 0x3f);
	}
	return more + 1;
}

UNICODE_STRING us_nt_utf16(const char *text)
{
	size_t room = (strlen(text) + 1) * sizeof(WCHAR), n = 0;
	WCHAR *to = us_nt_pool_alloc(room, TAG);
	uint32_t code;

	if (!to)
		return (UNICODE_STRING){0};
	while (*text) {
		text += decode(text, &code);
		if (code >= 0x10000) {
			to[n++] = (WCHAR)(0xd800 + ((code - 0x10000) >> 10));
			code = 0xdc00 + ((code - 0x10000) & 0x3ff);
		}
		to[n++] = (WCHAR)code;
	}
	to[n] = 0;
	return (UNICODE_STRING){(USHORT)(n * sizeof(WCHAR)), (USHORT)room, to};
}

void *us_nt_pool_for_driver(size_t size, uint32_t tag)
{
	void *at = us_nt_pool_alloc(size, tag);

	if (at)
		us_nt_pool_give(at, us_nt_caller());
	return at;
}

UNICODE_STRING us_nt_string_copy(const UNICODE_STRING *from)
{
	UNICODE_STRING copy = {from->Length, (USHORT)(from->Length + sizeof(WCHAR)), NULL};

	copy.Buffer = us_nt_pool_alloc(copy.MaximumLength, TAG);
	if (copy.Buffer) {
		if (from->Length)
			memcpy(copy.Buffer, from->Buffer, from->Length);
		copy.Buffer[from->Length / sizeof(WCHAR)] = 0;
	}
	return copy;
}

const char *us_nt_ascii(const UNICODE_STRING *string)
{
	static __thread char buffers[8][160];
	static __thread unsigned turn;
	char *to = buffers[turn++ % 8];
	size_t n = 0;

	for (; string && n < string->Length / sizeof(WCHAR) && n < sizeof(buffers[0]) - 1; n++)
		to[n] = string->Buffer[n] >= 32 && string->Buffer[n] < 127 ? (char)string->Buffer[n] : '?';
	to[n] = '\0';
	return to;
}

static WCHAR fold(WCHAR c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7) ? (WCHAR)(c - 32) : c;
}

static int compare(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
	size_t na = a->Length / sizeof(WCHAR), nb = b->Length / sizeof(WCHAR);

	for (size_t i = 0; i < na && i < nb; i++)
		if (fold(a->Buffer[i]) != fold(b->Buffer[i]))
			return fold(a->Buffer[i]) - fold(b->Buffer[i]);
	return (int)na - (int)nb;
}

bool us_nt_same_name(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
	return a->Length == b->Length && compare(a, b) == 0;
}

/* The keys' own strings are not for drivers. */
static UNICODE_STRING keep(const UNICODE_STRING *from)
{
	UNICODE_STRING copy = {from->Length, from->Length, us_nt_alloc(from->Length + sizeof(WCHAR))};

	if (from->Length)
		memcpy(copy.Buffer, from->Buffer, from->Length);
	return copy;
}

/* -- keys --------------------------------------------------------------------------------------------------------- */

static struct us_key *child(struct us_key *parent, const UNICODE_STRING *name, bool make, bool *made)
{
	struct us_key **link = &parent->children, *key;

	while (*link && compare(&(*link)->name, name) < 0)
		link = &(*link)->next;
	if (*link && compare(&(*link)->name, name) == 0)
		return *link;
	if (!make)
		return NULL;
	key = us_nt_alloc(sizeof(*key));
	*key = (struct us_key){.name = keep(name), .parent = parent, .next = *link};
	*link = key;
	if (made)
		*made = true;
	return key;
}

struct us_key *us_registry_key(struct us_key *from, const UNICODE_STRING *path, bool make, bool *made)
{
	size_t n = path->Length / sizeof(WCHAR), at = 0;
	struct us_key *key = from ? from : &us_nt->registry->root;

	if (made)
		*made = false;
	if (!from && (!n || path->Buffer[0] != '\\'))
		return NULL;
	while (key && at < n) {
		UNICODE_STRING name = {0, 0, path->Buffer + at};

		while (at < n && path->Buffer[at] != '\\') {
			name.Length += sizeof(WCHAR);
			at++;
		}
		at++;
		if (name.Length)
			key = child(key, &name, make, made);
	}
	return key;
}

static UNICODE_STRING string_of(const WCHAR *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return (UNICODE_STRING){(USHORT)(n * sizeof(WCHAR)), (USHORT)(n * sizeof(WCHAR)), (WCHAR *)(uintptr_t)text};
}

struct us_key *us_registry_key_of(const WCHAR *path, bool make)
{
	UNICODE_STRING string = string_of(path);

	return us_registry_key(NULL, &string, make, NULL);
}

void us_registry_delete(struct us_key *key)
{
	struct us_key **link = &key->parent->children;

	while (*link != key)
		link = &(*link)->next;
	*link = key->next;
	key->deleted = true;
}

/* -- values ------------------------------------------------------------------------------------------------------- */

struct us_key_value *us_registry_value(struct us_key *key, const UNICODE_STRING *name)
{
	struct us_key_value *value = key->values;

	while (value && !us_nt_same_name(&value->name, name))
		value = value->next;
	return value;
}

void us_registry_set(struct us_key *key, const UNICODE_STRING *name, ULONG type, const void *data, ULONG size)
{
	struct us_key_value *value = us_registry_value(key, name), **end = &key->values;
	uint8_t *copy = us_nt_alloc(size + 1);

	if (size)
		memcpy(copy, data, size);
	if (!value) {
		while (*end)
			end = &(*end)->next;
		*end = value = us_nt_alloc(sizeof(*value));
		value->name = keep(name);
	}
	us_nt_free(value->data);
	value->type = type;
	value->size = size;
	value->data = copy;
}

bool us_registry_delete_value(struct us_key *key, const UNICODE_STRING *name)
{
	struct us_key_value **link = &key->values;

	while (*link && !us_nt_same_name(&(*link)->name, name))
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = (*link)->next;
	return true;
}

/* -- handles ------------------------------------------------------------------------------------------------------ */

NTSTATUS us_registry_open(struct us_key *key, ACCESS_MASK access, HANDLE *handle)
{
	struct open_key *open = us_nt_pool_alloc(sizeof(*open), TAG);

	if (!open)
		return STATUS_INSUFFICIENT_RESOURCES;
	open->key = key;
	us_ob_add(open, &us_ob_key);
	*handle = us_ob_handle(open, access);
	us_ob_dereference(open);
	return STATUS_SUCCESS;
}

NTSTATUS us_registry_from_handle(HANDLE handle, struct us_key **key)
{
	struct open_key *open;
	NTSTATUS status = us_ob_from_handle(handle, &us_ob_key, &open);

	if (!NT_SUCCESS(status))
		return status;
	*key = open->key;
	return open->key->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

/* -- what the INF writes ------------------------------------------------------------------------------------------ */

/* What follows `area` in a key's name, "" for the area itself; NULL: it is of another. */
static const char *below(const char *key, const char *area)
{
	size_t n = strlen(area);

	if (!key)
		key = "";
	if (strncasecmp(key, area, n) != 0)
		return NULL;
	return !key[n] ? "" : key[n] == '\\' ? key + n + 1 : NULL;
}

static void fill_value(struct us_key *key, const char *sub, const struct us_nt_value *v)
{
	UNICODE_STRING path = us_nt_utf16(sub), name = us_nt_utf16(v->name), text;
	bool is_text = v->type == REG_SZ || v->type == REG_EXPAND_SZ;

	key = us_registry_key(key, &path, true, NULL);
	text = is_text ? us_nt_utf16(v->data) : (UNICODE_STRING){0};
	us_registry_set(key, &name, v->type, is_text ? text.Buffer : v->data,
			is_text ? text.Length + (ULONG)sizeof(WCHAR) : (ULONG)v->size);
	us_nt_pool_free(path.Buffer);
	us_nt_pool_free(name.Buffer);
	if (is_text)
		us_nt_pool_free(text.Buffer);
}

void us_registry_fill(struct us_key *key, const char *area)
{
	const struct us_rehearsal *config = us_nt->config;

	for (size_t i = 0; i < config->nregistry; i++) {
		const char *sub = below(config->registry[i].key, area);

		if (sub)
			fill_value(key, sub, &config->registry[i]);
	}
}

void us_nt_registry_init(void)
{
	us_ob_key.destroy = us_nt_pool_free;
	us_nt->registry = us_nt_alloc(sizeof(*us_nt->registry));
	us_registry_key_of(US_REGISTRY_SERVICES, true);
	us_registry_key_of(US_REGISTRY_ENUM, true);
	us_registry_key_of(US_REGISTRY_CLASS, true);
	us_registry_key_of(US_REGISTRY_INTERFACES, true);
}
