#include "checksums.h"
#include "crc32c.h"

/* The tables are made before main: no call needs to ask whether they are there. */
__attribute__((constructor)) static void martlet_crc32c_start(void) { crc32c_init(); }

uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t count) { return crc32c(crc, bytes, count); }

uint32_t martlet_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    return crc32c_table(crc, bytes, count);
}

const char *martlet_crc32c_name(void) {
#if defined(__x86_64__)
    if (crc32c == crc32c_avx512) return "avx512";
    if (crc32c == crc32c_sse42) return "sse42";
#elif defined(__aarch64__)
    if (crc32c == crc32c_arm) return "arm";
#endif
    return "table";
}
