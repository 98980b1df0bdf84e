#ifndef MARTLET_CODECS_H
#define MARTLET_CODECS_H
#include <stddef.h>
#include <stdint.h>

// The codec numbers are those of a record batch's attributes.
#define MARTLET_CODEC_GZIP 1
#define MARTLET_CODEC_SNAPPY 2
#define MARTLET_CODEC_LZ4 3
#define MARTLET_CODEC_ZSTD 4

#define MARTLET_CODEC_OK 0
#define MARTLET_CODEC_CORRUPT 1
#define MARTLET_CODEC_TOO_LARGE 2
#define MARTLET_CODEC_NO_MEMORY 3

// Decompresses `count` bytes into memory of its own that martlet_codec_free gives back. Gives up with
// MARTLET_CODEC_TOO_LARGE as soon as the output would exceed `limit`; what the input says about its size reserves nothing.
int martlet_decompress(int codec, const void *source, size_t count, size_t limit, void **output, size_t *output_count);

// Compresses `count` bytes into memory of its own that martlet_codec_free gives back. `level` is the codec's own;
// INT32_MIN asks for its default.
int martlet_compress(int codec, int32_t level, const void *source, size_t count, void **output, size_t *output_count);

// Gives back an output of the functions above.
void martlet_codec_free(void *output);
#endif
