/* SPDX-License-Identifier: Apache-2.0 */
/* The page's part on PCI: who the function is, what it can, where its registers are, which message tells what. */
#include "base/quote.h"
#include "rdl/html.h"
#include "rdl/internal.h"

#include <inttypes.h>

#define MANY 200000 /* registers and fields, beyond which a table that unrolls their arrays helps nobody */

/* Base classes (PCI Code and ID Assignment Specification, appendix D). */
static const char *class_name(uint32_t code)
{
	static const char *const name[] = {
		"device built before class codes", "mass storage controller", "network controller", "display controller",
		"multimedia device", "memory controller", "bridge", "simple communication controller",
		"base system peripheral", "input device", "docking station", "processor", "serial bus controller",
		"wireless controller", "intelligent I/O controller", "satellite communication controller",
		"encryption controller", "data acquisition and signal processing controller", "processing accelerator",
	};
	uint32_t base = code >> 16;

	if (base < sizeof name / sizeof name[0])
		return name[base];
	return base == 0xff ? "no class of these" : "reserved class";
}

__attribute__((format(printf, 3, 4))) static void row(FILE *out, const char *head, const char *format, ...)
{
	va_list args;

	fprintf(out, "<tr><th scope=\"row\">%s</th><td>", head);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputs("</td></tr>\n", out);
}

static void write_identity(const struct us_rdl_page *page)
{
	const struct us_pci *pci = &page->pci.facts;
	FILE *out = page->out;

	fputs("<table class=\"facts\">\n", out);
	row(out, "Vendor and device", "<code>%04x:%04x</code>", pci->vendor_id, pci->device_id);
	if (page->pci.has_subsystem)
		row(out, "Subsystem", "<code>%04x:%04x</code>", pci->subsystem_vendor_id, pci->subsystem_id);
	row(out, "Class", "<code>%02" PRIx32 ".%02" PRIx32 ".%02" PRIx32 "</code>, %s", pci->class_code >> 16,
	    pci->class_code >> 8 & 0xff, pci->class_code & 0xff, class_name(pci->class_code));
	row(out, "Revision", "<code>%02x</code>", pci->revision);
	fputs("</table>\n", out);
}

static void write_capabilities(const struct us_rdl_page *page)
{
	const struct us_pci *pci = &page->pci.facts;
	FILE *out = page->out;

	fputs("<h3>Capabilities</h3>\n<table class=\"facts\">\n", out);
	if (pci->intx_pin)
		row(out, "INTx", "pin INT%c#, level", 'A' + pci->intx_pin - 1);
	else
		row(out, "INTx", "none");
	if (pci->msi)
		row(out, "MSI", "%u message%s%s", pci->msi, pci->msi > 1 ? "s" : "",
		    pci->msi_masking ? ", maskable one by one" : "");
	if (pci->msix)
		row(out, "MSI-X",
		    "%u vector%s; table at <code>0x%" PRIx32 "</code> of BAR %u, pending bits at <code>0x%" PRIx32
		    "</code> of BAR %u",
		    pci->msix, pci->msix > 1 ? "s" : "", pci->msix_table_offset, pci->msix_table_bar, pci->msix_pba_offset,
		    pci->msix_pba_bar);
	if (pci->pm)
		row(out, "Power management", "D0, D3hot");
	if (pci->express)
		row(out, "PCI Express", "endpoint%s", pci->flr ? ", with function level reset" : "");
	fputs("</table>\n", out);
}

static void write_bars(const struct us_rdl_page *page)
{
	static const char *const kind[] = {"", "32-bit memory", "64-bit memory", "I/O ports"};
	FILE *out = page->out;

	fputs("<h3>Base address registers</h3>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">BAR</th>"
	      "<th scope=\"col\">Size</th><th scope=\"col\">Space</th><th scope=\"col\">Holds</th></tr></thead>\n<tbody>\n",
	      out);
	for (unsigned i = 0; i < US_BARS; i++) {
		const struct us_rdl_bar *bar = &page->pci.bar[i];

		if (bar->kind == US_BAR_NONE)
			continue;
		fprintf(out, "<tr><td>%u</td><td class=\"num\"><code>0x%" PRIx64 "</code></td><td>%s%s</td><td>", i, bar->size,
			kind[bar->kind], bar->prefetchable ? ", prefetchable" : "");
		if (bar->place.node)
			fprintf(out, "<a href=\"#bar%u\">registers</a>%s", i,
				page->pci.facts.msix && page->pci.facts.msix_table_bar == i ? ", MSI-X" : "");
		else
			fputs("MSI-X", out);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

/* -- which cause has which message ------------------------------------------------------------------------------ */

struct causes {
	struct us_rdl_page *page;
	unsigned count;
};

static void write_enable(const struct us_rdl_page *page, const struct us_rdl_place *place)
{
	const struct us_rdl_prop *prop = us_rdl_get(place->node, "enable");
	struct us_rdl_place found[US_RDL_MAX_NESTING];
	size_t count = 0;

	if (prop && prop->value.type == US_RDL_REF)
		count = us_rdl_follow(place, prop->value.ref, found, US_RDL_MAX_NESTING);
	if (!count) {
		fputs("always", page->out);
		return;
	}
	fputs("<code>", page->out);
	us_put_markup(page->out, us_rdl_path(page->rdl, &page->pci.top, &found[count - 1]));
	fputs("</code>", page->out);
}

static int write_cause(void *ctx, const struct us_rdl_place *place)
{
	struct causes *causes = ctx;
	struct us_rdl_page *page = causes->page;

	if (place->node->kind != US_RDL_FIELD || !us_rdl_get_bool(place->node, "intr"))
		return 0;
	if (!causes->count++)
		fputs("<h3>Interrupt causes</h3>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Message</th>"
		      "<th scope=\"col\">Cause</th><th scope=\"col\">Enabled by</th><th scope=\"col\">Meaning</th></tr></thead>\n"
		      "<tbody>\n",
		      page->out);
	fprintf(page->out, "<tr><td class=\"num\">%" PRIu64 "</td><td><code>", us_rdl_get_int(place->node, "pci_message", 0));
	us_put_markup(page->out, us_rdl_path(page->rdl, &page->pci.top, place));
	fputs("</code></td><td>", page->out);
	write_enable(page, place);
	fputs("</td><td>", page->out);
	us_rdl_html_inline(page, place->node, us_rdl_get_text(place->node, "desc"));
	fputs("</td></tr>\n", page->out);
	return 0;
}

void us_rdl_html_function(struct us_rdl_page *page)
{
	struct causes causes = {page, 0};

	if (!page->pci.any)
		return;
	fputs("<section id=\"pci\">\n<h2>PCI function</h2>\n", page->out);
	write_identity(page);
	write_capabilities(page);
	write_bars(page);
	if (us_rdl_count(page->pci.top.node) < MANY)
		us_rdl_walk(&page->pci.top, write_cause, &causes);
	if (causes.count)
		fputs("</tbody></table></div>\n", page->out);
	fputs("</section>\n", page->out);
}
