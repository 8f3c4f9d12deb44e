/* SPDX-License-Identifier: Apache-2.0 */
/* printable: see printable.h. */
#include "supervisor/core/printable.h"

#include <string.h>

struct range {
	uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

/* How many bytes a character takes by its first byte, with the bits of it that count; 0: no first byte. */
static size_t decode_first(unsigned char byte, uint32_t *ret_bits)
{
	static const struct {
		unsigned char mask, mark;
	} forms[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if ((byte & forms[i].mask) == forms[i].mark) {
			*ret_bits = byte & (unsigned char)~forms[i].mask;
			return i + 1;
		}
	return 0;
}

size_t printable_decode(const char *text, size_t length, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t character;
	size_t count = decode_first((unsigned char)text[0], &character);
	if (count == 0 || count > length)
		return 0;
	for (size_t i = 1; i < count; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((byte & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (byte & 0x3f);
	}
	/* Overlong forms, surrogates and what lies beyond Unicode are how filters are fooled. */
	if (character < least[count] || (character >= 0xd800 && character <= 0xdfff) || character > 0x10ffff)
		return 0;
	*ret_character = character;
	return count;
}

bool printable_is_plain(uint32_t character)
{
	static const struct range hidden[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	/* control bytes */
		{ 0xad, 0xad },	    { 0x200b, 0x200f }, /* invisible, or turning the direction */
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, /* line breaks, embeddings, overrides, isolates */
		{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
	};
	return !is_in(hidden, ARRAY_LEN(hidden), character);
}

int printable_width(uint32_t character)
{
	static const struct range wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
	};
	return is_in(wide, ARRAY_LEN(wide), character) ? 2 : 1;
}

const char *printable_copy(char *buffer, size_t size, const char *text)
{
	static const char dots[] = "...";
	size_t length = strlen(text), out = 0, at = 0;
	assert(size >= 8);
	while (at < length) {
		uint32_t character = 0;
		size_t count = printable_decode(text + at, length - at, &character);
		bool plain = count > 0 && printable_is_plain(character);
		size_t need = plain ? count : 1;
		if (out + need + sizeof(dots) > size && out + (length - at) + 1 > size) {
			memcpy(buffer + out, dots, sizeof(dots));
			return buffer;
		}
		if (plain)
			memcpy(buffer + out, text + at, count);
		else
			buffer[out] = '?';
		out += need;
		at += count > 0 ? count : 1;
	}
	buffer[out] = '\0';
	return buffer;
}
