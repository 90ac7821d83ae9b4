/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String objects, and the copies of strings that the framework keeps.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"

#define TAG 0x53447846u /* "FxDS" */

struct string {
	struct us_wdf_object object;
	UNICODE_STRING text; /* pool; NUL-terminated */
};

bool us_wdf_copy_string(UNICODE_STRING *to, const UNICODE_STRING *from)
{
	size_t size = from->Length + sizeof(WCHAR);

	*to = (UNICODE_STRING){0};
	if (size > UINT16_MAX)
		return false;
	to->Buffer = us_nt_pool_alloc(size, TAG);
	if (!to->Buffer)
		return false;
	memcpy(to->Buffer, from->Buffer, from->Length);
	to->Buffer[from->Length / sizeof(WCHAR)] = 0;
	to->Length = from->Length;
	to->MaximumLength = (USHORT)size;
	return true;
}

static void destroy_string(struct us_wdf_object *object)
{
	us_wdf_pool_free(((struct string *)object)->text.Buffer);
}

const struct us_wdf_type us_wdf_string_type = {
	.name = "WDFSTRING",
	.size = sizeof(struct string),
	.deletable = true,
	.destroy = destroy_string,
};

NTSTATUS us_wdf_string_set(WDFSTRING handle, const UNICODE_STRING *text)
{
	struct string *string = us_wdf_from(handle, &us_wdf_string_type);
	UNICODE_STRING copy;

	if (!us_wdf_copy_string(&copy, text))
		return STATUS_INSUFFICIENT_RESOURCES;
	us_wdf_pool_free(string->text.Buffer);
	string->text = copy;
	return STATUS_SUCCESS;
}

NTSTATUS us_wdf_string_new(const UNICODE_STRING *text, PWDF_OBJECT_ATTRIBUTES attributes, WDFSTRING *result)
{
	struct string *string;
	NTSTATUS status = us_wdf_create(&us_wdf_string_type, attributes, us_wdf_driver_object(), &string);

	if (!NT_SUCCESS(status))
		return status;
	if (text && !us_wdf_copy_string(&string->text, text)) {
		us_wdf_delete(&string->object);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*result = (WDFSTRING)string;
	return STATUS_SUCCESS;
}

static NTSTATUS NTAPI string_create(PWDF_DRIVER_GLOBALS globals, PCUNICODE_STRING text,
				    PWDF_OBJECT_ATTRIBUTES attributes, WDFSTRING *result)
{
	(void)globals;
	us_wdf_need(result, "WdfStringCreate", "String");
	*result = NULL;
	if (text && ((text->Length & 1) || text->Length > text->MaximumLength || (text->Length && !text->Buffer)))
		return STATUS_INVALID_PARAMETER;
	return us_wdf_string_new(text, attributes, result);
}

void us_wdf_string_get(WDFSTRING handle, UNICODE_STRING *text)
{
	struct string *string = us_wdf_from(handle, &us_wdf_string_type);

	*text = string->text;
}

static void NTAPI string_get(PWDF_DRIVER_GLOBALS globals, WDFSTRING handle, PUNICODE_STRING text)
{
	(void)globals;
	us_wdf_need(text, "WdfStringGetUnicodeString", "UnicodeString");
	us_wdf_string_get(handle, text);
}

void us_wdf_string_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfStringCreate = string_create;
	table->WdfStringGetUnicodeString = string_get;
}
