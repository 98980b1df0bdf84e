#ifndef MARTLET_CODECS_H
#define MARTLET_CODECS_H
#include <stddef.h>
#include <stdint.h>

// The codec numbers are those of a record batch's attributes.
#define MARTLET_CODEC_NONE 0
#define MARTLET_CODEC_GZIP 1
#define MARTLET_CODEC_SNAPPY 2
#define MARTLET_CODEC_LZ4 3
#define MARTLET_CODEC_ZSTD 4

#define MARTLET_CODEC_OK 0
#define MARTLET_CODEC_CORRUPT 1
#define MARTLET_CODEC_TOO_LARGE 2
#define MARTLET_CODEC_NO_MEMORY 3

// The level that asks for a codec's default.
#define MARTLET_LEVEL_DEFAULT INT32_MIN

// Decompresses piece by piece. What a codec needs for it (its window) is made once and kept for the next input; a bare
// block of snappy, which has no pieces, is the one thing that is held whole.
typedef struct martlet_decoder martlet_decoder;

// NULL when there is no memory.
martlet_decoder *martlet_decoder_create(void);

// Begins with new input, which must stay where it is until the last read. The output may have `limit` bytes.
int martlet_decoder_begin(martlet_decoder *decoder, int codec, const void *source, size_t count, size_t limit);

// Fills `output` with as much as there is; fewer than `capacity` bytes mean the end of a whole, good input. Gives up
// with MARTLET_CODEC_TOO_LARGE as soon as the output exceeds the limit; what the input says about its size reserves
// nothing. After an error only a new beginning may follow.
int martlet_decoder_read(martlet_decoder *decoder, void *output, size_t capacity, size_t *written);

void martlet_decoder_free(martlet_decoder *decoder);

// Compresses piece by piece into memory that grows. Codec 0 gathers what comes.
typedef struct martlet_encoder martlet_encoder;

// Exactly `expected` bytes will come; SIZE_MAX where that is not known. The output begins behind `headroom` bytes that
// the caller fills later, and may have `limit` bytes with them. NULL when there is no memory.
martlet_encoder *martlet_encoder_create(int codec, int32_t level, size_t expected, size_t headroom, size_t limit);

int martlet_encoder_write(martlet_encoder *encoder, const void *source, size_t count);

// Ends the output and hands it over, to be given back with martlet_codec_free.
int martlet_encoder_finish(martlet_encoder *encoder, void **output, size_t *output_count);

void martlet_encoder_free(martlet_encoder *encoder);

// Decompresses `count` bytes at once into memory of its own that martlet_codec_free gives back.
int martlet_decompress(int codec, const void *source, size_t count, size_t limit, void **output, size_t *output_count);

// Compresses `count` bytes at once into memory of its own that martlet_codec_free gives back.
int martlet_compress(int codec, int32_t level, const void *source, size_t count, void **output, size_t *output_count);

// Gives back an output of the functions above.
void martlet_codec_free(void *output);
#endif
