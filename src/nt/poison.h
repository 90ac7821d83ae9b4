/* SPDX-License-Identifier: Apache-2.0 */
/* Tells address sanitizer which memory nobody may touch; without it, nothing. No behaviour depends on it. */
#ifndef UNDERSTUDY_NT_POISON_H
#define UNDERSTUDY_NT_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define US_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define US_POISON 1
#endif
#endif

#ifdef US_POISON
#include <sanitizer/asan_interface.h>
#define us_poison(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define us_unpoison(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define us_poison(at, size) ((void)(at), (void)(size))
#define us_unpoison(at, size) ((void)(at), (void)(size))
#endif

#endif
