#include "codecs.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// The window a zstd stream may ask for: 2^23 bytes are what Kafka's own compressor uses at most.
#define ZSTD_WINDOW_LOG_MAX 23
// Snappy's densest element is 3 bytes for 64: a longer declared size is a lie.
#define SNAPPY_EXPANSION_MAX 64
// The stable number of "frame requires too much memory" (zstd_errors.h).
#define ZSTD_WINDOW_TOO_LARGE 16
#define PIECE_MAX (1u << 30)

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

struct martlet_decoder {
    int codec;
    const uint8_t *source;
    size_t count;
    size_t taken;
    // Output that may still follow; one byte more is asked for, which tells "exactly the limit" from "too large".
    size_t room;
    int is_at_end;

    z_stream gzip;
    int has_gzip;
    LZ4F_dctx *lz4;
    ZSTD_DCtx *zstd;
    // A block of snappy: what of it was not handed out yet.
    uint8_t *block;
    size_t block_capacity;
    size_t block_count;
    size_t block_taken;
    int is_framed;
};

martlet_decoder *martlet_decoder_create(void) { return calloc(1, sizeof(martlet_decoder)); }

void martlet_decoder_free(martlet_decoder *decoder) {
    if (!decoder) return;
    if (decoder->has_gzip) inflateEnd(&decoder->gzip);
    LZ4F_freeDecompressionContext(decoder->lz4);
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder->block);
    free(decoder);
}

static int begin_gzip(martlet_decoder *decoder) {
    if (decoder->has_gzip) return inflateReset(&decoder->gzip) == Z_OK ? MARTLET_CODEC_OK : MARTLET_CODEC_NO_MEMORY;
    memset(&decoder->gzip, 0, sizeof decoder->gzip);
    if (inflateInit2(&decoder->gzip, 15 + 16) != Z_OK) return MARTLET_CODEC_NO_MEMORY;
    decoder->has_gzip = 1;
    return MARTLET_CODEC_OK;
}

static int begin_lz4(martlet_decoder *decoder) {
    if (decoder->lz4) {
        LZ4F_resetDecompressionContext(decoder->lz4);
        return MARTLET_CODEC_OK;
    }
    int failed = LZ4F_isError(LZ4F_createDecompressionContext(&decoder->lz4, LZ4F_VERSION));
    if (failed) decoder->lz4 = NULL;
    return failed ? MARTLET_CODEC_NO_MEMORY : MARTLET_CODEC_OK;
}

static int begin_zstd(martlet_decoder *decoder) {
    if (!decoder->zstd) decoder->zstd = ZSTD_createDCtx();
    if (!decoder->zstd) return MARTLET_CODEC_NO_MEMORY;
    ZSTD_DCtx_reset(decoder->zstd, ZSTD_reset_session_and_parameters);
    ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    return MARTLET_CODEC_OK;
}

// A bare block, or the framing of the Java library: magic, two version numbers, then blocks with their length before
// them.
static int begin_snappy(martlet_decoder *decoder) {
    decoder->is_framed = decoder->count >= 16 && memcmp(decoder->source, xerial_magic, 8) == 0;
    if (decoder->is_framed) decoder->taken = 16;
    return MARTLET_CODEC_OK;
}

int martlet_decoder_begin(martlet_decoder *decoder, int codec, const void *source, size_t count, size_t limit) {
    decoder->codec = codec;
    decoder->source = source;
    decoder->count = count;
    decoder->taken = 0;
    decoder->room = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4;
    decoder->is_at_end = 0;
    decoder->block_count = decoder->block_taken = 0;
    switch (codec) {
    case MARTLET_CODEC_NONE: return MARTLET_CODEC_OK;
    case MARTLET_CODEC_GZIP: return begin_gzip(decoder);
    case MARTLET_CODEC_SNAPPY: return begin_snappy(decoder);
    case MARTLET_CODEC_LZ4: return begin_lz4(decoder);
    case MARTLET_CODEC_ZSTD: return begin_zstd(decoder);
    default: return MARTLET_CODEC_CORRUPT;
    }
}

// Each of the following makes one step: takes some input, gives up to `capacity` bytes, says whether it is the end.
// No progress without an end is an input that was cut.

static int step_gzip(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    z_stream *stream = &decoder->gzip;
    size_t left = decoder->count - decoder->taken;
    size_t ask = left < PIECE_MAX ? left : PIECE_MAX, room = capacity < PIECE_MAX ? capacity : PIECE_MAX;
    stream->next_in = (Bytef *)(uintptr_t)(decoder->source + decoder->taken);
    stream->avail_in = (uInt)ask;
    stream->next_out = output;
    stream->avail_out = (uInt)room;
    int status = inflate(stream, Z_NO_FLUSH);
    size_t read = ask - stream->avail_in;
    *written = room - stream->avail_out;
    decoder->taken += read;
    if (status == Z_STREAM_END) {
        if (decoder->taken == decoder->count) decoder->is_at_end = 1;
        else if (inflateReset(stream) != Z_OK) return MARTLET_CODEC_CORRUPT;
        return MARTLET_CODEC_OK;
    }
    return status != Z_OK || (read == 0 && *written == 0) ? MARTLET_CODEC_CORRUPT : MARTLET_CODEC_OK;
}

static int step_lz4(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    size_t read = decoder->count - decoder->taken;
    *written = capacity;
    size_t hint = LZ4F_decompress(decoder->lz4, output, written, decoder->source + decoder->taken, &read, NULL);
    if (LZ4F_isError(hint)) return MARTLET_CODEC_CORRUPT;
    decoder->taken += read;
    if (hint == 0 && decoder->taken == decoder->count) decoder->is_at_end = 1;
    return hint != 0 && read == 0 && *written == 0 ? MARTLET_CODEC_CORRUPT : MARTLET_CODEC_OK;
}

static int step_zstd(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    ZSTD_inBuffer input = {decoder->source, decoder->count, decoder->taken};
    ZSTD_outBuffer room = {output, capacity, 0};
    size_t hint = ZSTD_decompressStream(decoder->zstd, &room, &input);
    if (ZSTD_isError(hint))
        return (size_t)0 - hint == ZSTD_WINDOW_TOO_LARGE ? MARTLET_CODEC_TOO_LARGE : MARTLET_CODEC_CORRUPT;
    int is_stuck = hint != 0 && input.pos == decoder->taken && room.pos == 0;
    decoder->taken = input.pos;
    *written = room.pos;
    if (hint == 0 && decoder->taken == decoder->count) decoder->is_at_end = 1;
    return is_stuck ? MARTLET_CODEC_CORRUPT : MARTLET_CODEC_OK;
}

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int next_snappy_block(martlet_decoder *decoder) {
    const uint8_t *source = decoder->source + decoder->taken;
    size_t count = decoder->count - decoder->taken;
    if (decoder->is_framed) {
        if (count < 4) return MARTLET_CODEC_CORRUPT;
        size_t declared = big_endian(source);
        if (declared > count - 4) return MARTLET_CODEC_CORRUPT;
        source += 4;
        count = declared;
        decoder->taken += 4;
    }
    size_t length = 0;
    if (snappy_uncompressed_length((const char *)source, count, &length) != SNAPPY_OK) return MARTLET_CODEC_CORRUPT;
    if (length / SNAPPY_EXPANSION_MAX > count) return MARTLET_CODEC_CORRUPT;
    if (length > decoder->room) return MARTLET_CODEC_TOO_LARGE;
    if (length > decoder->block_capacity) {
        free(decoder->block);
        decoder->block_capacity = 0;
        decoder->block = malloc(length);
        if (!decoder->block) return MARTLET_CODEC_NO_MEMORY;
        decoder->block_capacity = length;
    }
    if (snappy_uncompress((const char *)source, count, (char *)decoder->block, &length) != SNAPPY_OK)
        return MARTLET_CODEC_CORRUPT;
    decoder->taken += count;
    decoder->block_count = length;
    decoder->block_taken = 0;
    return MARTLET_CODEC_OK;
}

static int step_snappy(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    *written = 0;
    if (decoder->block_taken == decoder->block_count) {
        if (decoder->is_framed && decoder->taken == decoder->count) {
            decoder->is_at_end = 1;
            return MARTLET_CODEC_OK;
        }
        int result = next_snappy_block(decoder);
        if (result) return result;
    }
    size_t left = decoder->block_count - decoder->block_taken;
    *written = left < capacity ? left : capacity;
    if (*written) memcpy(output, decoder->block + decoder->block_taken, *written);
    decoder->block_taken += *written;
    if (decoder->block_taken == decoder->block_count && decoder->taken == decoder->count) decoder->is_at_end = 1;
    return MARTLET_CODEC_OK;
}

static int step_plain(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    size_t left = decoder->count - decoder->taken;
    *written = left < capacity ? left : capacity;
    if (*written) memcpy(output, decoder->source + decoder->taken, *written);
    decoder->taken += *written;
    decoder->is_at_end = decoder->taken == decoder->count;
    return MARTLET_CODEC_OK;
}

static int step(martlet_decoder *decoder, uint8_t *output, size_t capacity, size_t *written) {
    switch (decoder->codec) {
    case MARTLET_CODEC_NONE: return step_plain(decoder, output, capacity, written);
    case MARTLET_CODEC_GZIP: return step_gzip(decoder, output, capacity, written);
    case MARTLET_CODEC_SNAPPY: return step_snappy(decoder, output, capacity, written);
    case MARTLET_CODEC_LZ4: return step_lz4(decoder, output, capacity, written);
    case MARTLET_CODEC_ZSTD: return step_zstd(decoder, output, capacity, written);
    default: return MARTLET_CODEC_CORRUPT;
    }
}

int martlet_decoder_read(martlet_decoder *decoder, void *output, size_t capacity, size_t *written) {
    *written = 0;
    while (*written < capacity && !decoder->is_at_end) {
        size_t given = 0;
        int result = step(decoder, (uint8_t *)output + *written, capacity - *written, &given);
        if (result) return result;
        if (given > decoder->room) return MARTLET_CODEC_TOO_LARGE;
        decoder->room -= given;
        *written += given;
    }
    return MARTLET_CODEC_OK;
}
