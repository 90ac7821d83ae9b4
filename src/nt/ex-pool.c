/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool as drivers call it. A driver's pieces are marked as its own, so that what it never frees is reported; frees
 * are checked as Driver Verifier does. Microsoft, "ExAllocatePoolWithTag", "ExAllocatePool2", "ExFreePoolWithTag";
 * bugchecks 0xC2 BAD_POOL_CALLER and 0xC4.
 */
#include "nt/ex.h"

#include "nt/phys.h"
#include "nt/seh.h"

#define NO_TAG 0x656e6f4eu /* 'None' */
#define PAGED 1 /* the bit of POOL_TYPE */
#define SHOW_TAG(tag)                                                                                                  \
	(char)((tag)&0x7f), (char)((tag) >> 8 & 0x7f), (char)((tag) >> 16 & 0x7f), (char)((tag) >> 24 & 0x7f)

/* POOL_FLAGS of ExAllocatePool2() */
#define FLAG_USE_QUOTA 0x1u
#define FLAG_UNINITIALIZED 0x2u
#define FLAG_SESSION 0x4u
#define FLAG_CACHE_ALIGNED 0x8u
#define FLAG_RAISE_ON_FAILURE 0x20u
#define FLAG_NON_PAGED 0x40u
#define FLAG_NON_PAGED_EXECUTE 0x80u
#define FLAG_PAGED 0x100u
#define FLAGS_OPTIONAL 0xffffffff00000000u

static void check_irql(bool paged, const char *function)
{
	if (us_nt_irql() > (paged ? APC_LEVEL : DISPATCH_LEVEL))
		us_nt_bugcheck(0xC4, 1, us_nt_irql(), paged, 0, "irql.pool",
			       "%s was called for %s pool at IRQL %u; that is possible at IRQL %u at most", function,
			       paged ? "paged" : "nonpaged", us_nt_irql(), paged ? APC_LEVEL : DISPATCH_LEVEL);
}

/* What is paged is noted beside, since a piece of pool does not say it itself. */
static PVOID allocate(bool paged, SIZE_T size, ULONG tag, const char *function)
{
	PVOID piece;

	check_irql(paged, function);
	if (!tag)
		us_nt_bugcheck(0xC2, 0x9B, paged, size, 0, "pool.tag",
			       "%s was called with the tag 0; a tag is one to four characters", function);
	piece = us_nt_pool_alloc(size ? size : 1, tag);
	if (!piece)
		return NULL;
	us_nt_pool_give(piece, us_nt_caller());
	if (paged)
		us_addresses_add(&us_nt->ex->paged, piece, piece);
	return piece;
}

static _Noreturn void raise_for_want(void)
{
	us_seh_raise(STATUS_INSUFFICIENT_RESOURCES, "pool.exception",
		     "there is no pool left, and the driver wants an exception for that");
}

PVOID NTAPI us_ex_no_pool(POOL_TYPE type)
{
	if (type & POOL_RAISE_IF_ALLOCATION_FAILURE)
		raise_for_want();
	return NULL;
}

PVOID NTAPI us_ex_no_quota(POOL_TYPE type)
{
	if (!(type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
		raise_for_want();
	return us_ex_no_pool(type);
}

PVOID NTAPI us_ex_no_pool_2(ULONG64 flags)
{
	if (flags & FLAG_RAISE_ON_FAILURE)
		raise_for_want();
	return NULL;
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T size, ULONG tag)
{
	PVOID piece;

	if (size == 0)
		us_nt_bugcheck(0xC4, 0, us_nt_irql(), (ULONG)type, tag, "pool.size-zero",
			       "ExAllocatePoolWithTag was called for 0 bytes with the tag '%c%c%c%c'", SHOW_TAG(tag));
	piece = allocate(type & PAGED, size, tag, "ExAllocatePoolWithTag");
	return piece ? piece : us_ex_no_pool(type);
}

PVOID NTAPI ExAllocatePool(POOL_TYPE type, SIZE_T size)
{
	return ExAllocatePoolWithTag(type, size, NO_TAG);
}

PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE type, SIZE_T size, ULONG tag, EX_POOL_PRIORITY priority)
{
	(void)priority;
	return ExAllocatePoolWithTag(type, size, tag);
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE type, SIZE_T size, ULONG tag)
{
	if (!(type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
		type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
	return ExAllocatePoolWithTag(type, size, tag);
}

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE type, SIZE_T size)
{
	return ExAllocatePoolWithQuotaTag(type, size, NO_TAG);
}

PVOID NTAPI us_ex_allocate_pool_2(ULONG64 flags, SIZE_T size, ULONG tag)
{
	ULONG64 kinds = flags & (FLAG_NON_PAGED | FLAG_NON_PAGED_EXECUTE | FLAG_PAGED);
	ULONG64 known =
		kinds | FLAG_USE_QUOTA | FLAG_UNINITIALIZED | FLAG_SESSION | FLAG_CACHE_ALIGNED | FLAG_RAISE_ON_FAILURE;
	PVOID piece = NULL;

	/* One kind, and nothing unknown among what is required: else the call fails. */
	if (kinds && !(kinds & (kinds - 1)) && !(flags & ~known & ~FLAGS_OPTIONAL) && size && tag)
		piece = allocate(kinds == FLAG_PAGED, size, tag, "ExAllocatePool2");
	if (!piece)
		return us_ex_no_pool_2(flags);
	if (!(flags & FLAG_UNINITIALIZED))
		memset(piece, 0, size);
	return piece;
}

PVOID NTAPI us_ex_allocate_pool_3(ULONG64 flags, SIZE_T size, ULONG tag, PVOID parameters, ULONG count)
{
	(void)parameters;
	if (count)
		us_nt_unsupported("ExAllocatePool3 was called with extended parameters");
	return us_ex_allocate_pool_2(flags, size, tag);
}

/* Tag 0 says nothing; else it has to be the one it was allocated with, but for the bit of protected pool. */
void NTAPI ExFreePoolWithTag(PVOID piece, ULONG tag)
{
	ULONG its;
	size_t size;

	if (!us_nt_pool_is(piece) || !us_nt_pool_is_drivers(piece))
		us_nt_bugcheck(0xC2, 7, tag, 0, (uintptr_t)piece, "pool.bad-free",
			       "ExFreePool was called for %p (%s), which is no piece of pool of the driver's: never "
			       "allocated, freed "
			       "before, or not its beginning",
			       piece, us_nt_where(piece));
	its = us_nt_pool_tag(piece);
	if (tag && (tag | PROTECTED_POOL) != (its | PROTECTED_POOL))
		us_nt_bugcheck(
			0xC2, 0xA, (uintptr_t)piece, its, tag, "pool.wrong-tag",
			"ExFreePoolWithTag was called with the tag '%c%c%c%c' for a piece %s whose tag is '%c%c%c%c'",
			SHOW_TAG(tag), us_nt_where(piece), SHOW_TAG(its));
	size = us_nt_pool_size(piece);
	check_irql(us_addresses_find(&us_nt->ex->paged, piece), "ExFreePool");
	us_nt_ke_check_free(piece, size);
	us_ex_check_free(piece, size);
	us_addresses_remove(&us_nt->ex->paged, piece);
	us_nt_pool_free(piece);
}

void NTAPI ExFreePool(PVOID piece)
{
	ExFreePoolWithTag(piece, 0);
}

void NTAPI us_ex_free_pool_2(PVOID piece, ULONG tag, PVOID parameters, ULONG count)
{
	(void)parameters;
	if (count)
		us_nt_unsupported("ExFreePool2 was called with extended parameters");
	ExFreePoolWithTag(piece, tag);
}
