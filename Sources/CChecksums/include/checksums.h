#ifndef MARTLET_CHECKSUMS_H
#define MARTLET_CHECKSUMS_H
#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli), finished form: martlet_crc32c(martlet_crc32c(0, a), b) is the checksum of a followed by b. */
uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t count);

/* The implementation picked for this processor: "avx512", "sse42", "arm" or "table". */
const char *martlet_crc32c_name(void);

/* The portable implementation, for comparing the fast ones with. */
uint32_t martlet_crc32c_portable(uint32_t crc, const void *bytes, size_t count);
#endif
