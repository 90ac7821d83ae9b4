/* SPDX-License-Identifier: Apache-2.0 */
/* A register's bits, drawn: 32 in a row, the most significant at the left, each field in the colour of its access. */
#include "base/quote.h"
#include "rdl/html.h"
#include "rdl/internal.h"

#include <string.h>

#define BIT 32 /* units of the drawing that a bit is wide */
#define LETTER 8 /* and a letter */
#define ABOVE 18 /* for bit numbers */

const char *us_rdl_html_class(const struct us_rdl_access *access)
{
	if (access->onwrite == US_RDL_WOCLR || access->onwrite == US_RDL_WZC)
		return "w1c";
	if (access->onwrite || access->onread || access->singlepulse)
		return "special";
	if (access->read)
		return access->write ? "rw" : "ro";
	return access->write ? "wo" : "na";
}

struct drawing {
	struct us_rdl_page *page;
	const struct us_rdl_node *reg;
	unsigned low, bits; /* of the row */
	unsigned y, height;
};

static unsigned x_of(const struct drawing *d, unsigned bit)
{
	return (d->low + d->bits - 1 - bit) * BIT;
}

static void draw_number(const struct drawing *d, unsigned bit, unsigned x)
{
	fprintf(d->page->out, "<text class=\"n\" x=\"%u\" y=\"%u\">%u</text>", x, d->y - 5, bit);
}

/* A part of the row: a field's, or what is reserved (`field` NULL). */
static void draw_box(const struct drawing *d, const struct us_rdl_node *field, unsigned high, unsigned low)
{
	unsigned x = x_of(d, high), width = (high - low + 1) * BIT;
	struct us_rdl_access access;

	if (field)
		us_rdl_field_access(field, &access);
	fprintf(d->page->out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
		field ? us_rdl_html_class(&access) : "rsv", x, d->y, width, d->height);
	if (!field)
		return;
	draw_number(d, high, high == low ? x + BIT / 2 : x + 10);
	if (high != low)
		draw_number(d, low, x + width - 10);
	if (strlen(field->name) * LETTER + 6 <= width)
		fprintf(d->page->out, "<text x=\"%u\" y=\"%u\">", x + width / 2, d->y + d->height / 2 + 5);
	else
		fprintf(d->page->out, "<text transform=\"translate(%u %u) rotate(-90)\">", x + width / 2 + 5,
			d->y + d->height / 2);
	us_put_markup(d->page->out, field->name);
	fputs("</text>\n", d->page->out);
}

static unsigned clip_low(const struct drawing *d, const struct us_rdl_node *field)
{
	return field->low > d->low ? field->low : d->low;
}

static unsigned clip_high(const struct drawing *d, const struct us_rdl_node *field)
{
	return field->high < d->low + d->bits - 1 ? field->high : d->low + d->bits - 1;
}

static bool in_row(const struct drawing *d, const struct us_rdl_node *field)
{
	return field->kind == US_RDL_FIELD && field->high >= d->low && field->low < d->low + d->bits;
}

/* As high as the longest name that has to stand upright needs. */
static unsigned row_height(const struct drawing *d)
{
	unsigned height = 36;

	for (const struct us_rdl_node *field = d->reg->child; field; field = field->next) {
		unsigned length = (unsigned)strlen(field->name) * LETTER;

		if (in_row(d, field) && length + 6 > (clip_high(d, field) - clip_low(d, field) + 1) * BIT && length + 16 > height)
			height = length + 16;
	}
	return height < 220 ? height : 220;
}

static void draw_row(struct drawing *d)
{
	unsigned next = d->low;

	for (const struct us_rdl_node *field = d->reg->child; field; field = field->next) {
		if (!in_row(d, field) || clip_low(d, field) < next)
			continue; /* one that shares the bits of another is in the table */
		if (clip_low(d, field) > next)
			draw_box(d, NULL, clip_low(d, field) - 1, next);
		draw_box(d, field, clip_high(d, field), clip_low(d, field));
		next = clip_high(d, field) + 1;
	}
	if (next < d->low + d->bits)
		draw_box(d, NULL, d->low + d->bits - 1, next);
}

void us_rdl_html_bits(struct us_rdl_page *page, const struct us_rdl_node *reg)
{
	unsigned width = us_rdl_regwidth(reg), row = width < 32 ? width : 32, total = 2;
	struct drawing d = {.page = page, .reg = reg, .bits = row};

	if (width > 256)
		return; /* the table tells it better */
	for (d.low = 0; d.low < width; d.low += row)
		total += ABOVE + row_height(&d) + 4;
	fprintf(page->out,
		"<svg class=\"bits\" viewBox=\"-1 0 %u %u\" style=\"max-width:%upx\" role=\"img\" aria-label=\"Bits of ",
		row * BIT + 2, total, row * BIT);
	us_put_markup(page->out, reg->name);
	fputs("\">\n", page->out);
	for (d.low = width; d.low;) {
		d.low -= row;
		d.y += ABOVE;
		d.height = row_height(&d);
		draw_row(&d);
		d.y += d.height + 4;
	}
	fputs("</svg>\n", page->out);
}
