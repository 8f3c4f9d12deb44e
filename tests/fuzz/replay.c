/* SPDX-License-Identifier: Apache-2.0 */
/* replay: a main for a fuzz target where there is no libFuzzer: feeds it every file of a corpus, every beginning of it,
 * and seeded mutations of it, under any compiler. A fault ends the program, as it does under libFuzzer.
 * usage: fuzz_X CORPUS-DIRECTORY [MUTATIONS-PER-FILE [SEED]] */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

#define INPUT_BYTES_MAX (128 * 1024)
#define BEGINNINGS_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* xorshift: the same mutations for the same seed on any machine. */
static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* An exact copy on the heap, so that a sanitizer sees a read beyond the end. */
static void feed(const uint8_t *bytes, size_t length)
{
	cleanup_free uint8_t *copy = malloc(length > 0 ? length : 1);
	assert(copy != NULL);
	memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
}

static void feed_beginnings(const uint8_t *bytes, size_t length)
{
	for (size_t end = 0; end <= length && end < BEGINNINGS_MAX; end++)
		feed(bytes, end);
	feed(bytes, length);
}

static void feed_mutations(const uint8_t *bytes, size_t length, unsigned long count, uint64_t seed)
{
	uint64_t random = seed | 1;
	cleanup_free uint8_t *mutated = malloc(length > 0 ? length : 1);
	assert(mutated != NULL);
	for (unsigned long i = 0; length > 0 && i < count; i++) {
		memcpy(mutated, bytes, length);
		for (uint64_t changes = next_random(&random) % 8 + 1; changes > 0; changes--) {
			size_t at = next_random(&random) % length, from = next_random(&random) % length;
			mutated[at] = next_random(&random) % 2 ? (uint8_t)next_random(&random) : mutated[from];
		}
		feed(mutated, length - next_random(&random) % (length / 4 + 1));
	}
}

static ssize_t read_input(int directory_fd, const char *name, uint8_t buffer[static INPUT_BYTES_MAX])
{
	cleanup_fd int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat about;
	if (fd < 0 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode))
		return -1;
	return read(fd, buffer, INPUT_BYTES_MAX);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	unsigned long mutations = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	cleanup_free uint8_t *buffer = malloc(INPUT_BYTES_MAX);
	DIR *corpus = opendir(argv[1]);
	size_t count = 0;
	for (struct dirent *entry; buffer != NULL && corpus != NULL && (entry = readdir(corpus)) != NULL;) {
		ssize_t length = read_input(dirfd(corpus), entry->d_name, buffer);
		if (length < 0)
			continue;
		feed_beginnings(buffer, (size_t)length);
		feed_mutations(buffer, (size_t)length, mutations, seed);
		count++;
	}
	if (corpus != NULL)
		closedir(corpus);
	printf("%s: %zu inputs, %lu mutations each, seed %llu\n", argv[1], count, mutations, (unsigned long long)seed);
	return count > 0 ? 0 : 1;
}
