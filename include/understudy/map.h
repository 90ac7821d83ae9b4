/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register map of a PCI function, made from its SystemRDL file by `understudy rdl map FILE.rdl`.
 *
 * Nobody writes these tables by hand: the generated C file defines one constant `struct us_map`, which a model names
 * in its `struct us_model`. The model library enforces it, traces and error messages take their names from it, and
 * the register tests are made from it. Everything is constant, owned by the generated file, and safe to share
 * between threads. Terms are those of SystemRDL 2.0 (Accellera, 2018) unless a PCI term is given.
 */
#ifndef UNDERSTUDY_MAP_H
#define UNDERSTUDY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define US_BARS 6 /* base address registers of a type 0 header */

/*
 * Where a register lies as software sees it: BAR number and byte offset in that BAR. In BAR 0 it is simply the offset,
 * so the offsets of the generated header are register addresses as they stand.
 */
typedef uint64_t us_addr;
#define US_AT(bar, offset) ((us_addr)(bar) << 56 | (us_addr)(offset))
#define US_BAR_OF(addr) ((unsigned)((addr) >> 56))
#define US_OFFSET_OF(addr) ((uint64_t)(addr) & ((UINT64_C(1) << 56) - 1))

/* What a software read does to a field, besides returning it (SystemRDL 2.0, 9.6.1 onread). */
enum us_onread {
	US_ONREAD_NONE,
	US_ONREAD_RCLR, /* cleared to 0 */
	US_ONREAD_RSET, /* set to all ones */
	US_ONREAD_RUSER, /* the model does it */
};

/* What a software write does to a field (SystemRDL 2.0, 9.6.1 onwrite). */
enum us_onwrite {
	US_ONWRITE_NONE, /* stores the written bits */
	US_ONWRITE_WOSET, /* a written 1 sets */
	US_ONWRITE_WOCLR, /* a written 1 clears (W1C) */
	US_ONWRITE_WOT, /* a written 1 toggles */
	US_ONWRITE_WZS, /* a written 0 sets */
	US_ONWRITE_WZC, /* a written 0 clears */
	US_ONWRITE_WZT, /* a written 0 toggles */
	US_ONWRITE_WCLR, /* any write clears */
	US_ONWRITE_WSET, /* any write sets */
	US_ONWRITE_WUSER, /* the model does it */
};

/* One name of an enumerated value (SystemRDL enum, tied to a field by `encode`). The list ends with a NULL name. */
struct us_enumerator {
	const char *name;
	uint64_t value;
	const char *desc; /* or NULL */
};

enum us_field_flags {
	US_FIELD_READ = 1 << 0, /* software may read it; else it reads as 0 */
	US_FIELD_WRITE = 1 << 1, /* software may write it; else writes are ignored */
	US_FIELD_HW = 1 << 2, /* hardware may change it by itself (hw = w or rw, counters, …) */
	US_FIELD_SINGLEPULSE = 1 << 3, /* a written 1 lasts only while the model's write function runs */
	US_FIELD_WRITE_ONCE = 1 << 4, /* sw = w1 or rw1: only the first write after a reset counts */
	US_FIELD_INTR = 1 << 5, /* an interrupt cause: see us_raise() */
	US_FIELD_STICKY = 1 << 6, /* a cause that stays set until software clears it; else it follows the hardware */
};

struct us_field {
	const char *name;
	const char *desc; /* or NULL */
	uint8_t lsb; /* lowest bit */
	uint8_t width; /* bits, 1 to 64 */
	uint16_t flags; /* enum us_field_flags */
	uint8_t onread; /* enum us_onread */
	uint8_t onwrite; /* enum us_onwrite */
	uint64_t reset; /* value after every reset, right-aligned; 0 where the specification gives none */
	bool has_reset; /* the specification states the reset value */
	int8_t message; /* message number of an interrupt cause when enough are granted; 0 unless stated */
	int32_t enable_reg; /* index in us_map.regs of the register that enables this cause, or -1: always enabled */
	uint8_t enable_lsb; /* lowest bit of the enable field there, which is as wide as this one */
	const struct us_enumerator *encode; /* or NULL */
	const char *raised_by; /* property us_raised_by: the writes by which software makes this cause happen; or NULL */
	const char *cleared_by; /* us_cleared_by: the writes that clear it, where that is no write to the field; or NULL */
};

enum us_reg_flags {
	US_REG_DANGEROUS = 1 << 0, /* property us_dangerous: generic register tests must not poke it */
};

struct us_reg {
	const char *name; /* last component, with its index where it is an array element: "ENTRY[3]" */
	const char *path; /* from the BAR's address map down, dotted: "window.ENTRY[3]" */
	const char *desc; /* or NULL */
	us_addr addr;
	uint8_t size; /* bytes: 1, 2, 4 or 8 */
	uint8_t access; /* bytes: smallest access that the specification promises (accesswidth) */
	uint16_t flags; /* enum us_reg_flags */
	uint16_t nfields;
	const struct us_field *fields; /* by ascending lsb */
};

/* Plain memory in a BAR (SystemRDL mem). Whole pages of it may be mapped by the other side. */
struct us_mem {
	const char *name;
	const char *path;
	const char *desc; /* or NULL */
	us_addr addr;
	uint64_t size; /* bytes */
	bool read, write; /* what software may do */
};

enum us_bar_kind { US_BAR_NONE, US_BAR_MEM32, US_BAR_MEM64, US_BAR_IO };

struct us_bar {
	enum us_bar_kind kind;
	bool prefetchable;
	uint64_t size; /* bytes, a power of two; a US_BAR_MEM64 takes the next BAR's slot too, which stays US_BAR_NONE */
	const char *name; /* of the address map behind it, or NULL */
};

/* What PCI needs beyond the registers; said in the .rdl with the properties of <understudy.rdl>. */
struct us_pci {
	uint16_t vendor_id, device_id, subsystem_vendor_id, subsystem_id;
	uint32_t class_code; /* base class << 16 | subclass << 8 | programming interface */
	uint8_t revision;
	uint8_t intx_pin; /* 1 = INTA# … 4 = INTD#; 0 = none */
	uint8_t msi; /* messages asked for: 0 (no MSI), 1, 2, 4, 8, 16, 32 */
	bool msi_masking; /* per-vector masking */
	uint16_t msix; /* table entries: 0 (no MSI-X) to 2048 */
	uint8_t msix_table_bar, msix_pba_bar;
	uint32_t msix_table_offset, msix_pba_offset; /* bytes, multiples of 8 */
	bool pm; /* power management capability: D0, D3hot */
	bool express; /* PCI Express endpoint capability */
	bool flr; /* function level reset; needs express */
};

struct us_map {
	const char *name; /* of the top address map: "crypto" */
	const char *title; /* its name property: "Crypto accelerator"; or NULL */
	const char *desc; /* or NULL */
	struct us_pci pci;
	struct us_bar bars[US_BARS];
	const struct us_reg *regs; /* by ascending addr */
	size_t nregs;
	const struct us_mem *mems; /* by ascending addr */
	size_t nmems;
	const char *const *texts; /* desc of the register files and address maps inside, each once */
	size_t ntexts;
};

#ifdef __cplusplus
}
#endif

#endif
