/* The yardstick for reading /proc/interrupts: one pass over the text, every counter stored, nothing else.
 * Returns how many counters were stored. Built by bench/counters.py with gcc -O2. */
#include <stddef.h>
#include <stdint.h>

size_t scan(const char *text, size_t size, uint64_t *counters, size_t columns)
{
	const char *at = text, *end = text + size;
	size_t stored = 0;

	while (at < end && *at != '\n')
		at++;
	while (at < end) {
		size_t column = 0;

		while (at < end && *at != ':')
			at++;
		at++;
		while (column < columns && at < end && *at != '\n') {
			uint64_t value = 0;

			while (at < end && *at == ' ')
				at++;
			if (at >= end || *at < '0' || *at > '9')
				break;
			while (at < end && *at >= '0' && *at <= '9')
				value = value * 10 + (uint64_t)(*at++ - '0');
			counters[stored++] = value;
			column++;
		}
		while (at < end && *at != '\n')
			at++;
		at++;
	}
	return stored;
}
