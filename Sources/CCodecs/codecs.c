#include "codecs.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// Memory of a growing output.
typedef struct {
    uint8_t *data;
    size_t count;
    size_t capacity;
    size_t limit;
} buffer_t;

// The window a zstd stream may ask for: 2^23 bytes are what Kafka's own compressor uses at most.
#define ZSTD_WINDOW_LOG_MAX 23
#define FIRST_CAPACITY 16384
// Snappy's densest element is 3 bytes for 64: a longer declared size is a lie.
#define SNAPPY_EXPANSION_MAX 64
#define XERIAL_BLOCK 32768

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

// Makes room for at least one more byte, and never for more than one byte beyond the limit: that byte tells
// "exactly the limit" from "too large".
static int grow(buffer_t *out) {
    if (out->count > out->limit) return MARTLET_CODEC_TOO_LARGE;
    if (out->count < out->capacity) return MARTLET_CODEC_OK;
    size_t capacity = out->capacity ? out->capacity * 2 : FIRST_CAPACITY;
    if (capacity > out->limit + 1) capacity = out->limit + 1;
    uint8_t *data = realloc(out->data, capacity);
    if (!data) return MARTLET_CODEC_NO_MEMORY;
    out->data = data;
    out->capacity = capacity;
    return MARTLET_CODEC_OK;
}

static int reserve(buffer_t *out, size_t more) {
    if (out->capacity - out->count >= more) return MARTLET_CODEC_OK;
    size_t capacity = out->count + more > out->capacity * 2 ? out->count + more : out->capacity * 2;
    uint8_t *data = realloc(out->data, capacity ? capacity : 1);
    if (!data) return MARTLET_CODEC_NO_MEMORY;
    out->data = data;
    out->capacity = capacity;
    return MARTLET_CODEC_OK;
}

static int inflate_gzip(const uint8_t *source, size_t count, buffer_t *out) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return MARTLET_CODEC_NO_MEMORY;
    int result = count ? MARTLET_CODEC_OK : MARTLET_CODEC_CORRUPT;
    size_t taken = 0;
    while (result == MARTLET_CODEC_OK) {
        if ((result = grow(out))) break;
        size_t ask = count - taken < (1u << 30) ? count - taken : (1u << 30);
        size_t room = out->capacity - out->count < (1u << 30) ? out->capacity - out->count : (1u << 30);
        stream.next_in = (Bytef *)(uintptr_t)(source + taken);
        stream.avail_in = (uInt)ask;
        stream.next_out = out->data + out->count;
        stream.avail_out = (uInt)room;
        int status = inflate(&stream, Z_NO_FLUSH);
        size_t read = ask - stream.avail_in, written = room - stream.avail_out;
        taken += read;
        out->count += written;
        if (status == Z_STREAM_END) {
            if (taken == count) break;
            if (inflateReset(&stream) != Z_OK) result = MARTLET_CODEC_CORRUPT;
        } else if (status != Z_OK || (read == 0 && written == 0)) {
            result = MARTLET_CODEC_CORRUPT;
        }
    }
    inflateEnd(&stream);
    return result;
}

static int decompress_lz4(const uint8_t *source, size_t count, buffer_t *out) {
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return MARTLET_CODEC_NO_MEMORY;
    int result = MARTLET_CODEC_OK;
    size_t taken = 0, hint = 1;
    while (result == MARTLET_CODEC_OK && !(hint == 0 && taken == count)) {
        if ((result = grow(out))) break;
        size_t read = count - taken, written = out->capacity - out->count;
        hint = LZ4F_decompress(context, out->data + out->count, &written, source + taken, &read, NULL);
        taken += read;
        out->count += written;
        if (LZ4F_isError(hint) || (hint != 0 && read == 0 && written == 0)) result = MARTLET_CODEC_CORRUPT;
    }
    LZ4F_freeDecompressionContext(context);
    return result;
}

static int decompress_zstd(const uint8_t *source, size_t count, buffer_t *out) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context) return MARTLET_CODEC_NO_MEMORY;
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ZSTD_inBuffer input = {source, count, 0};
    int result = count ? MARTLET_CODEC_OK : MARTLET_CODEC_CORRUPT;
    size_t hint = 1;
    while (result == MARTLET_CODEC_OK && !(hint == 0 && input.pos == count)) {
        if ((result = grow(out))) break;
        ZSTD_outBuffer output = {out->data + out->count, out->capacity - out->count, 0};
        size_t before = input.pos;
        hint = ZSTD_decompressStream(context, &output, &input);
        out->count += output.pos;
        if (ZSTD_isError(hint)) {
            // 16 is the stable number of "frame requires too much memory" (zstd_errors.h).
            result = (size_t)0 - hint == 16 ? MARTLET_CODEC_TOO_LARGE : MARTLET_CODEC_CORRUPT;
        } else if (hint != 0 && input.pos == before && output.pos == 0) {
            result = MARTLET_CODEC_CORRUPT;
        }
    }
    ZSTD_freeDCtx(context);
    return result;
}

// One block of Snappy's own format.
static int decompress_snappy_block(const uint8_t *source, size_t count, buffer_t *out) {
    size_t length = 0;
    if (snappy_uncompressed_length((const char *)source, count, &length) != SNAPPY_OK) return MARTLET_CODEC_CORRUPT;
    if (length / SNAPPY_EXPANSION_MAX > count) return MARTLET_CODEC_CORRUPT;
    if (length > out->limit - out->count) return MARTLET_CODEC_TOO_LARGE;
    int result = reserve(out, length);
    if (result) return result;
    if (snappy_uncompress((const char *)source, count, (char *)out->data + out->count, &length) != SNAPPY_OK)
        return MARTLET_CODEC_CORRUPT;
    out->count += length;
    return MARTLET_CODEC_OK;
}

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// A bare block, or the framing of the Java library: magic, two version numbers, then blocks with their length before them.
static int decompress_snappy(const uint8_t *source, size_t count, buffer_t *out) {
    if (count < 16 || memcmp(source, xerial_magic, 8) != 0) return decompress_snappy_block(source, count, out);
    size_t position = 16;
    while (position < count) {
        if (count - position < 4) return MARTLET_CODEC_CORRUPT;
        size_t length = big_endian(source + position);
        position += 4;
        if (length > count - position) return MARTLET_CODEC_CORRUPT;
        int result = decompress_snappy_block(source + position, length, out);
        if (result) return result;
        position += length;
    }
    return MARTLET_CODEC_OK;
}

int martlet_decompress(int codec, const void *source, size_t count, size_t limit, void **output, size_t *output_count) {
    buffer_t out = {NULL, 0, 0, limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4};
    int result = MARTLET_CODEC_CORRUPT;
    switch (codec) {
    case MARTLET_CODEC_GZIP: result = inflate_gzip(source, count, &out); break;
    case MARTLET_CODEC_SNAPPY: result = decompress_snappy(source, count, &out); break;
    case MARTLET_CODEC_LZ4: result = decompress_lz4(source, count, &out); break;
    case MARTLET_CODEC_ZSTD: result = decompress_zstd(source, count, &out); break;
    default: break;
    }
    if (result == MARTLET_CODEC_OK && out.count > out.limit) result = MARTLET_CODEC_TOO_LARGE;
    if (result == MARTLET_CODEC_OK && !out.data) result = reserve(&out, 1);
    if (result != MARTLET_CODEC_OK) {
        free(out.data);
        return result;
    }
    *output = out.data;
    *output_count = out.count;
    return MARTLET_CODEC_OK;
}

static int compress_gzip(int32_t level, const uint8_t *source, size_t count, buffer_t *out) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (count > UINT32_MAX) return MARTLET_CODEC_TOO_LARGE;
    int chosen = level == INT32_MIN ? Z_DEFAULT_COMPRESSION : level;
    if (deflateInit2(&stream, chosen, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return MARTLET_CODEC_NO_MEMORY;
    int result = reserve(out, deflateBound(&stream, count));
    if (result == MARTLET_CODEC_OK) {
        stream.next_in = (Bytef *)(uintptr_t)source;
        stream.avail_in = (uInt)count;
        stream.next_out = out->data;
        stream.avail_out = (uInt)out->capacity;
        result = deflate(&stream, Z_FINISH) == Z_STREAM_END ? MARTLET_CODEC_OK : MARTLET_CODEC_CORRUPT;
        out->count = out->capacity - stream.avail_out;
    }
    deflateEnd(&stream);
    return result;
}

static int compress_snappy(const uint8_t *source, size_t count, buffer_t *out) {
    size_t blocks = (count + XERIAL_BLOCK - 1) / XERIAL_BLOCK;
    int result = reserve(out, 16 + blocks * (4 + snappy_max_compressed_length(XERIAL_BLOCK)));
    if (result) return result;
    static const uint8_t versions[8] = {0, 0, 0, 1, 0, 0, 0, 1};
    memcpy(out->data, xerial_magic, 8);
    memcpy(out->data + 8, versions, 8);
    out->count = 16;
    for (size_t position = 0; position < count; position += XERIAL_BLOCK) {
        size_t block = count - position < XERIAL_BLOCK ? count - position : XERIAL_BLOCK;
        size_t length = out->capacity - out->count - 4;
        uint8_t *at = out->data + out->count;
        if (snappy_compress((const char *)source + position, block, (char *)at + 4, &length) != SNAPPY_OK)
            return MARTLET_CODEC_CORRUPT;
        at[0] = (uint8_t)(length >> 24), at[1] = (uint8_t)(length >> 16), at[2] = (uint8_t)(length >> 8);
        at[3] = (uint8_t)length;
        out->count += 4 + length;
    }
    return MARTLET_CODEC_OK;
}

static int compress_lz4(int32_t level, const uint8_t *source, size_t count, buffer_t *out) {
    LZ4F_preferences_t preferences;
    memset(&preferences, 0, sizeof preferences);
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.compressionLevel = level == INT32_MIN ? 0 : level;
    int result = reserve(out, LZ4F_compressFrameBound(count, &preferences));
    if (result) return result;
    size_t written = LZ4F_compressFrame(out->data, out->capacity, source, count, &preferences);
    if (LZ4F_isError(written)) return MARTLET_CODEC_CORRUPT;
    out->count = written;
    return MARTLET_CODEC_OK;
}

static int compress_zstd(int32_t level, const uint8_t *source, size_t count, buffer_t *out) {
    int result = reserve(out, ZSTD_compressBound(count));
    if (result) return result;
    int chosen = level == INT32_MIN ? ZSTD_CLEVEL_DEFAULT : level;
    size_t written = ZSTD_compress(out->data, out->capacity, source, count, chosen);
    if (ZSTD_isError(written)) return MARTLET_CODEC_CORRUPT;
    out->count = written;
    return MARTLET_CODEC_OK;
}

int martlet_compress(int codec, int32_t level, const void *source, size_t count, void **output, size_t *output_count) {
    buffer_t out = {NULL, 0, 0, SIZE_MAX / 4};
    int result = MARTLET_CODEC_CORRUPT;
    switch (codec) {
    case MARTLET_CODEC_GZIP: result = compress_gzip(level, source, count, &out); break;
    case MARTLET_CODEC_SNAPPY: result = compress_snappy(source, count, &out); break;
    case MARTLET_CODEC_LZ4: result = compress_lz4(level, source, count, &out); break;
    case MARTLET_CODEC_ZSTD: result = compress_zstd(level, source, count, &out); break;
    default: break;
    }
    if (result != MARTLET_CODEC_OK) {
        free(out.data);
        return result;
    }
    *output = out.data;
    *output_count = out.count;
    return MARTLET_CODEC_OK;
}

void martlet_codec_free(void *output) { free(output); }
