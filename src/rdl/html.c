/* SPDX-License-Identifier: Apache-2.0 */
/* One page, complete in itself, from which an engineer can write a driver: contents, function, registers, requirements. */
#include "base/quote.h"
#include "rdl/html.h"
#include "rdl/internal.h"
#include "rdl/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the page is in the tree: arrays are not unrolled, their indices are letters. */
struct way {
	const struct way *up;
	const struct us_rdl_node *node;
	const char *path; /* "IN_WINDOW[i].LENGTH" */
	const char *anchor; /* "r-IN_WINDOW-LENGTH" */
	const char *address; /* "0x808 + 0x10·i" */
	uint64_t offset; /* of the first element */
	const char *terms; /* " + 0x10·i" */
	unsigned indices; /* letters in use */
};

typedef void visit(struct us_rdl_page *page, const struct way *way);

/* -- ways ------------------------------------------------------------------------------------------------------- */

static uint64_t stride_of(const struct us_rdl_node *node, unsigned dimension)
{
	uint64_t stride = node->stride;

	for (unsigned i = node->ndims; i-- > dimension + 1;)
		stride *= node->dim[i];
	return stride;
}

static const char *make_anchor(struct us_rdl *rdl, const char *path)
{
	char *anchor = us_arena_format(&rdl->arena, "r-%s", path);

	for (char *at = anchor; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			*at = '-';
	return anchor;
}

/* `index` is NULL, or that of the one element of an array that differs from the others. */
static struct way step(struct us_rdl *rdl, const struct way *up, const struct us_rdl_node *node, const uint64_t *index)
{
	struct way way = {.up = up, .node = node, .terms = up->terms, .indices = up->indices};
	struct us_arena *arena = &rdl->arena;
	const char *suffix = "";
	uint64_t rest = index ? *index : 0, of = node->count;

	way.offset = up->offset + node->offset + rest * node->stride;
	for (unsigned i = 0; i < node->ndims; i++) {
		of /= node->dim[i];
		if (index) {
			suffix = us_arena_format(arena, "%s[%" PRIu64 "]", suffix, rest / of);
			rest %= of;
		} else {
			const char *letter = us_arena_format(arena, "%c", "ijklmnpqrstuvwxyz"[way.indices++ % 17]);

			suffix = us_arena_format(arena, "%s[%s]", suffix, letter);
			way.terms = us_arena_format(arena, "%s + 0x%" PRIx64 "·%s", way.terms, stride_of(node, i), letter);
		}
	}
	way.path = us_arena_format(arena, "%s%s%s%s", up->path, *up->path ? "." : "", node->name, suffix);
	way.anchor = make_anchor(rdl, way.path);
	way.address = us_arena_format(arena, "0x%03" PRIx64 "%s", way.offset, way.terms);
	return way;
}

/* All registers, memories and groups below, in order of address; elements that differ from their array after it. */
static void walk(struct us_rdl_page *page, const struct way *way, visit *call)
{
	for (const struct us_rdl_node *child = way->node->child; child; child = child->next) {
		struct way below;

		if (child->kind == US_RDL_SIGNAL || child->kind == US_RDL_FIELD)
			continue;
		below = step(page->rdl, way, child, NULL);
		call(page, &below);
		if (child->kind != US_RDL_REG && child->kind != US_RDL_MEM)
			walk(page, &below, call);
		for (const struct us_rdl_variant *variant = child->variant; variant; variant = variant->next) {
			below = step(page->rdl, way, variant->node, &variant->index);
			call(page, &below);
			if (child->kind != US_RDL_REG && child->kind != US_RDL_MEM)
				walk(page, &below, call);
		}
	}
}

static void walk_all(struct us_rdl_page *page, int bar, visit *call)
{
	struct way way = {.path = "", .terms = "", .node = us_rdl_top(page->rdl)};

	if (bar >= 0)
		way.node = page->pci.bar[bar].place.node;
	walk(page, &way, call);
}

static bool has_bars(const struct us_rdl_page *page)
{
	for (unsigned i = 0; i < US_BARS; i++)
		if (page->pci.bar[i].place.node)
			return true;
	return false;
}

/* -- collecting ------------------------------------------------------------------------------------------------- */

const struct us_rdl_link *us_rdl_html_find(const struct us_rdl_page *page, const char *name)
{
	size_t at = ((uintptr_t)name >> 4) & (page->link_room - 1);

	for (; page->link[at].name; at = (at + 1) & (page->link_room - 1))
		if (page->link[at].name == name)
			return &page->link[at];
	return NULL;
}

static void add_link(struct us_rdl_page *page, struct us_rdl_link link)
{
	size_t at = ((uintptr_t)link.name >> 4) & (page->link_room - 1);

	while (page->link[at].name && page->link[at].name != link.name)
		at = (at + 1) & (page->link_room - 1);
	if (!page->link[at].name)
		page->links++;
	else if (page->link[at].depth == link.depth)
		link.anchor = NULL; /* two of that name: a link would be a guess */
	if (!page->link[at].name || page->link[at].depth >= link.depth)
		page->link[at] = link;
}

static void grow_links(struct us_rdl_page *page)
{
	struct us_rdl_link *old = page->link;
	size_t room = page->link_room;

	page->link_room = room ? room * 2 : 256;
	page->link = us_arena_alloc(&page->rdl->arena, page->link_room * sizeof *page->link);
	page->links = 0;
	for (size_t i = 0; i < room; i++)
		if (old[i].name)
			add_link(page, old[i]);
}

static void collect(struct us_rdl_page *page, const struct way *way)
{
	struct us_rdl_link link = {.name = way->node->name, .anchor = way->anchor, .node = way->node};

	for (const struct way *up = way->up; up; up = up->up)
		link.depth++;
	us_rdl_html_collect(page, us_rdl_get_text(way->node, "desc"));
	if (page->links * 2 >= page->link_room)
		grow_links(page);
	add_link(page, link);
	if (way->node->kind == US_RDL_REG)
		for (const struct us_rdl_node *field = way->node->child; field; field = field->next)
			us_rdl_html_collect(page, us_rdl_get_text(field, "desc"));
}

/* -- the list at the side --------------------------------------------------------------------------------------- */

static void list_register(struct us_rdl_page *page, const struct way *way)
{
	if (way->node->kind != US_RDL_REG && way->node->kind != US_RDL_MEM)
		return;
	fprintf(page->out, "<li><a class=\"reg\" href=\"#%s\">", way->anchor);
	us_put_markup(page->out, way->path);
	fprintf(page->out, "<span>%03" PRIx64 "</span></a></li>\n", way->offset);
}

static void write_contents(struct us_rdl_page *page, const char *title)
{
	FILE *out = page->out;

	fputs("<nav aria-label=\"Contents\">\n<a class=\"here\" href=\"#top\">", out);
	us_put_markup(out, title);
	fputs("</a>\n<ul>\n", out);
	if (page->pci.any)
		fputs("<li><a href=\"#pci\">PCI function</a></li>\n", out);
	fputs("<li><a href=\"#map\">Register map</a></li>\n<li><a href=\"#registers\">Registers</a>\n<ul>\n", out);
	for (int bar = has_bars(page) ? 0 : -1; bar < US_BARS; bar++) {
		if (bar < 0 || page->pci.bar[bar].place.node)
			walk_all(page, bar, list_register);
		if (bar < 0)
			break;
	}
	fputs("</ul></li>\n", out);
	if (page->requirements)
		fputs("<li><a href=\"#requirements\">Requirements</a></li>\n", out);
	fputs("</ul>\n</nav>\n", out);
}

/* -- the map ---------------------------------------------------------------------------------------------------- */

static void map_row(struct us_rdl_page *page, const struct way *way)
{
	const char *title = us_rdl_plain(page->rdl, us_rdl_get_text(way->node, "name"));
	FILE *out = page->out;

	if (way->node->kind != US_RDL_REG && way->node->kind != US_RDL_MEM)
		return;
	fprintf(out, "<tr><td class=\"num\"><code>%s</code></td><td class=\"num\">%" PRIu64 "</td><td class=\"name\"><a class=\"name\" href=\"#%s\">",
		way->address, way->node->size, way->anchor);
	us_put_markup(out, way->path);
	fputs("</a></td><td>", out);
	if (!title)
		title = us_rdl_first_sentence(page->rdl, us_rdl_get_text(way->node, "desc"));
	us_put_markup(out, title);
	fputs("</td></tr>\n", out);
}

static void write_map(struct us_rdl_page *page, int bar)
{
	FILE *out = page->out;

	if (bar >= 0)
		fprintf(out, "<h3 id=\"bar%d\">BAR %d</h3>\n", bar, bar);
	fputs("<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Offset</th><th scope=\"col\">Bytes</th>"
	      "<th scope=\"col\">Register</th><th scope=\"col\">What it is</th></tr></thead>\n<tbody>\n",
	      out);
	walk_all(page, bar, map_row);
	fputs("</tbody></table></div>\n", out);
}

/* -- a register ------------------------------------------------------------------------------------------------- */

static const char *short_access(const struct us_rdl_access *access)
{
	if (access->onwrite == US_RDL_WOCLR)
		return "W1C";
	if (access->onwrite == US_RDL_WOSET)
		return "W1S";
	if (access->onread == US_RDL_RCLR)
		return "RC";
	if (access->read)
		return access->write ? "RW" : "RO";
	return access->write ? "WO" : "none";
}

/* What an access does, in words, beyond reading and writing plainly. */
static void write_access(struct us_rdl_page *page, const struct us_rdl_access *access)
{
	static const char *const onwrite[] = {
		[US_RDL_WOSET] = "a written 1 sets the bit, a 0 does nothing",
		[US_RDL_WOCLR] = "a written 1 clears the bit, a 0 does nothing",
		[US_RDL_WOT] = "a written 1 toggles the bit",
		[US_RDL_WZS] = "a written 0 sets the bit, a 1 does nothing",
		[US_RDL_WZC] = "a written 0 clears the bit, a 1 does nothing",
		[US_RDL_WZT] = "a written 0 toggles the bit",
		[US_RDL_WCLR] = "any write clears it",
		[US_RDL_WSET] = "any write sets it",
		[US_RDL_WUSER] = "what a write does is told in the text",
	};
	FILE *out = page->out;

	fprintf(out, "<span class=\"tag %s\">%s</span>", us_rdl_html_class(access), short_access(access));
	if (access->onwrite)
		fprintf(out, "<small>%s</small>", onwrite[access->onwrite]);
	if (access->onread)
		fprintf(out, "<small>%s</small>", access->onread == US_RDL_RCLR	  ? "reading clears it"
						  : access->onread == US_RDL_RSET ? "reading sets it"
										  : "what reading does is told in the text");
	if (access->singlepulse)
		fputs("<small>a written 1 acts once, and reads as 0</small>", out);
	if (access->once)
		fputs("<small>only the first write after a reset counts</small>", out);
	if (access->write && !access->read)
		fputs("<small>reads as 0</small>", out);
	if (access->hw && access->write)
		fputs("<small>hardware changes it too</small>", out);
	if (access->intr)
		fprintf(out, "<small>interrupt cause%s</small>", access->sticky ? "" : ", follows the hardware");
	if (access->counter)
		fputs("<small>counter</small>", out);
}

static void write_value(FILE *out, const struct us_rdl_value *value)
{
	size_t words = (value->width + 63) / 64;

	if (!value->wide) {
		fprintf(out, "0x%" PRIx64, value->num);
		return;
	}
	while (words > 1 && !value->wide[words - 1])
		words--;
	fprintf(out, "0x%" PRIx64, value->wide[words - 1]);
	while (--words)
		fprintf(out, "%016" PRIx64, value->wide[words - 1]);
}

static void write_enum(struct us_rdl_page *page, const struct us_rdl_node *field)
{
	const struct us_rdl_enum *encode = us_rdl_encode(field);
	FILE *out = page->out;

	if (!encode)
		return;
	fputs("<table class=\"enum\">\n", out);
	for (size_t i = 0; i < encode->count; i++) {
		fprintf(out, "<tr><td class=\"num\"><code>0x%" PRIx64 "</code></td><td class=\"name\"><code>", encode->item[i].value);
		us_put_markup(out, encode->item[i].name);
		fputs("</code></td><td>", out);
		us_rdl_html_inline(page, field, encode->item[i].desc ? encode->item[i].desc : encode->item[i].title);
		fputs("</td></tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void write_field(struct us_rdl_page *page, const struct us_rdl_node *field)
{
	struct us_rdl_access access;
	FILE *out = page->out;
	const char *title = us_rdl_get_text(field, "name"), *desc = us_rdl_get_text(field, "desc");

	us_rdl_field_access(field, &access);
	if (field->width == 1)
		fprintf(out, "<tr><td class=\"bits\">%u</td>", field->low);
	else if (field->msb0)
		fprintf(out, "<tr><td class=\"bits\">%u:%u</td>", field->low, field->high);
	else
		fprintf(out, "<tr><td class=\"bits\">%u:%u</td>", field->high, field->low);
	fputs("<td class=\"name\"><code>", out);
	us_put_markup(out, field->name);
	fputs("</code></td><td class=\"acc\">", out);
	write_access(page, &access);
	fputs("</td><td class=\"num\"><code>", out);
	if (access.has_reset)
		write_value(out, access.reset);
	else
		fputs("&ndash;", out);
	fputs("</code></td><td>", out);
	if (title && desc)
		fputs("<strong>", out);
	us_put_markup(out, us_rdl_plain(page->rdl, title));
	if (title && desc)
		fputs(".</strong> ", out);
	us_rdl_html_inline(page, field, desc);
	write_enum(page, field);
	fputs("</td></tr>\n", out);
}

static void write_fields(struct us_rdl_page *page, const struct us_rdl_node *reg)
{
	const struct us_rdl_node **list;
	size_t count = 0;

	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		count++;
	list = us_arena_alloc(&page->rdl->arena, (count + 1) * sizeof *list);
	count = 0;
	for (const struct us_rdl_node *field = reg->child; field; field = field->next)
		if (field->kind == US_RDL_FIELD)
			list[count++] = field;
	fputs("<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Bits</th><th scope=\"col\">Field</th>"
	      "<th scope=\"col\">Access</th><th scope=\"col\">Reset</th><th scope=\"col\">Meaning</th></tr></thead>\n<tbody>\n",
	      page->out);
	while (count)
		write_field(page, list[--count]); /* the uppermost first, as in the drawing */
	fputs("</tbody></table></div>\n", page->out);
}

/* "i = 0…15" for each letter in the address. */
static void write_ranges(struct us_rdl_page *page, const struct way *way)
{
	unsigned first;

	if (!way->up)
		return;
	write_ranges(page, way->up);
	first = way->up->indices;
	for (unsigned i = 0; first + i < way->indices; i++)
		fprintf(page->out, ", %c = 0&hellip;%" PRIu64, "ijklmnpqrstuvwxyz"[(first + i) % 17], way->node->dim[i] - 1);
}

static void write_heading(struct us_rdl_page *page, const struct way *way)
{
	const char *title = us_rdl_plain(page->rdl, us_rdl_get_text(way->node, "name"));

	fputs("<h3><span class=\"mono\">", page->out);
	us_put_markup(page->out, way->path);
	fputs("</span>", page->out);
	if (title) {
		fputs("<span class=\"title\">", page->out);
		us_put_markup(page->out, title);
		fputs("</span>", page->out);
	}
	fprintf(page->out, "</h3>\n<p class=\"facts-line\">offset <b class=\"mono\">%s</b>", way->address);
	write_ranges(page, way);
}

static void write_register(struct us_rdl_page *page, const struct way *way)
{
	const struct us_rdl_node *reg = way->node;
	unsigned width = us_rdl_regwidth(reg), access = us_rdl_accesswidth(reg);

	fprintf(page->out, "<section class=\"reg\" id=\"%s\">\n", way->anchor);
	write_heading(page, way);
	fprintf(page->out, ", %u bits", width);
	if (access < width)
		fprintf(page->out, ", accessed by %u or more", access);
	if (reg->alias_of) {
		fputs(", another view of <b class=\"mono\">", page->out);
		us_put_markup(page->out, reg->alias_of->name);
		fputs("</b>", page->out);
	}
	fputs("</p>\n", page->out);
	us_rdl_html_bits(page, reg);
	us_rdl_html_text(page, reg, us_rdl_get_text(reg, "desc"));
	write_fields(page, reg);
	fputs("</section>\n", page->out);
}

static void write_memory(struct us_rdl_page *page, const struct way *way)
{
	struct us_rdl_access access;

	us_rdl_field_access(way->node, &access);
	fprintf(page->out, "<section class=\"reg\" id=\"%s\">\n", way->anchor);
	write_heading(page, way);
	fprintf(page->out,
		", memory of %" PRIu64 " entries of %" PRIu64 " bits <span class=\"tag %s\">%s</span></p>\n",
		us_rdl_get_int(way->node, "mementries", 0), us_rdl_get_int(way->node, "memwidth", 32),
		us_rdl_html_class(&access), short_access(&access));
	us_rdl_html_text(page, way->node, us_rdl_get_text(way->node, "desc"));
	fputs("</section>\n", page->out);
}

static void write_one(struct us_rdl_page *page, const struct way *way)
{
	if (way->node->kind == US_RDL_REG) {
		write_register(page, way);
	} else if (way->node->kind == US_RDL_MEM) {
		write_memory(page, way);
	} else if (us_rdl_get_text(way->node, "name") || us_rdl_get_text(way->node, "desc")) {
		fprintf(page->out, "<section class=\"group\" id=\"%s\">\n", way->anchor);
		write_heading(page, way);
		fprintf(page->out, ", %" PRIu64 " bytes</p>\n", way->node->size);
		us_rdl_html_text(page, way->node, us_rdl_get_text(way->node, "desc"));
		fputs("</section>\n", page->out);
	}
}

/* -- the whole -------------------------------------------------------------------------------------------------- */

static void write_requirements(struct us_rdl_page *page)
{
	if (!page->requirements)
		return;
	fputs("<section id=\"requirements\">\n<h2>Requirements</h2>\n<div class=\"wide\"><table>\n<tbody>\n", page->out);
	for (size_t i = 0; i < page->requirements; i++) {
		fprintf(page->out, "<tr><td class=\"name\"><a class=\"id\" href=\"#%s\">%s</a></td><td>", page->requirement[i].id,
			page->requirement[i].id);
		us_put_markup(page->out, page->requirement[i].text);
		fputs("</td></tr>\n", page->out);
	}
	fputs("</tbody></table></div>\n</section>\n", page->out);
}

static void write_legend(FILE *out)
{
	fputs("<p class=\"legend\"><span class=\"tag rw\">RW read and write</span><span class=\"tag ro\">RO read only</span>"
	      "<span class=\"tag wo\">WO write only</span><span class=\"tag w1c\">W1C write one to clear</span>"
	      "<span class=\"tag special\">other effects of an access</span></p>\n",
	      out);
}

static void write_main(struct us_rdl_page *page, const char *title)
{
	const struct us_rdl_node *top = us_rdl_top(page->rdl);
	FILE *out = page->out;
	bool bars = has_bars(page);

	fputs("<main id=\"top\">\n<h1>", out);
	us_put_markup(out, title);
	fputs("</h1>\n<p class=\"sub\">Register specification of <code>", out);
	us_put_markup(out, top->name);
	fputs("</code></p>\n", out);
	us_rdl_html_text(page, top, us_rdl_get_text(top, "desc"));
	us_rdl_html_function(page);
	fputs("<section id=\"map\">\n<h2>Register map</h2>\n", out);
	for (int bar = bars ? 0 : -1; bar < (bars ? US_BARS : 0); bar++)
		if (bar < 0 || page->pci.bar[bar].place.node)
			write_map(page, bar);
	fputs("</section>\n<section id=\"registers\">\n<h2>Registers</h2>\n", out);
	write_legend(out);
	for (int bar = bars ? 0 : -1; bar < (bars ? US_BARS : 0); bar++)
		if (bar < 0 || page->pci.bar[bar].place.node)
			walk_all(page, bar, write_one);
	fputs("</section>\n", out);
	write_requirements(page);
	fputs("<footer>Made by <code>understudy rdl html</code> from <code>", out);
	us_put_markup(out, us_rdl_base_name(page->rdl));
	fputs("</code>.</footer>\n</main>\n", out);
}

int us_rdl_write_html(struct us_rdl *rdl, FILE *out)
{
	struct us_rdl_page *page = US_ARENA_NEW(&rdl->arena, struct us_rdl_page);
	const struct us_rdl_node *top = us_rdl_top(rdl);
	const char *title = us_rdl_plain(rdl, us_rdl_get_text(top, "name"));

	page->rdl = rdl;
	page->out = out;
	if (us_rdl_gather_pci(rdl, &page->pci, false))
		return -EINVAL;
	grow_links(page);
	us_rdl_html_collect(page, us_rdl_get_text(top, "desc"));
	for (int bar = has_bars(page) ? 0 : -1; bar < (has_bars(page) ? US_BARS : 0); bar++)
		if (bar < 0 || page->pci.bar[bar].place.node)
			walk_all(page, bar, collect);
	title = title ? title : top->name;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	us_put_markup(out, title);
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", us_rdl_page_style);
	write_contents(page, title);
	write_main(page, title);
	fputs("</body>\n</html>\n", out);
	return 0;
}
