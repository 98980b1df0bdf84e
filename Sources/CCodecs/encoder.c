#include "codecs.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// Blocks of the Java library's framing of snappy.
#define XERIAL_BLOCK 32768
#define XERIAL_HEADER 16
#define FIRST_CAPACITY 16384
#define LZ4_PIECE 65536
#define PIECE_MAX (1u << 30)
// From this level on zstd takes windows that no reader of ours (and no careful one) accepts.
#define ZSTD_WIDE_LEVEL 20
#define ZSTD_WINDOW_LOG_MAX 23

struct martlet_encoder {
    int codec;
    uint8_t *data;
    size_t count;
    size_t capacity;
    size_t limit;

    z_stream gzip;
    int has_gzip;
    LZ4F_cctx *lz4;
    LZ4F_preferences_t lz4_preferences;
    ZSTD_CCtx *zstd;
    // A block of snappy that is not full yet.
    uint8_t *block;
    size_t block_count;
};

// Room for `more` bytes at the end; MARTLET_CODEC_TOO_LARGE when what is there exceeds the limit.
static int reserve(martlet_encoder *encoder, size_t more) {
    if (encoder->count > encoder->limit) return MARTLET_CODEC_TOO_LARGE;
    if (encoder->capacity - encoder->count >= more) return MARTLET_CODEC_OK;
    size_t doubled = encoder->capacity ? encoder->capacity * 2 : FIRST_CAPACITY;
    size_t capacity = encoder->count + more > doubled ? encoder->count + more : doubled;
    uint8_t *data = realloc(encoder->data, capacity);
    if (!data) return MARTLET_CODEC_NO_MEMORY;
    encoder->data = data;
    encoder->capacity = capacity;
    return MARTLET_CODEC_OK;
}

static int start_gzip(martlet_encoder *encoder, int32_t level) {
    int chosen = level == MARTLET_LEVEL_DEFAULT ? Z_DEFAULT_COMPRESSION : level;
    int status = deflateInit2(&encoder->gzip, chosen, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    encoder->has_gzip = status == Z_OK;
    return encoder->has_gzip ? MARTLET_CODEC_OK : MARTLET_CODEC_NO_MEMORY;
}

static int start_snappy(martlet_encoder *encoder) {
    static const uint8_t header[XERIAL_HEADER] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    encoder->block = malloc(XERIAL_BLOCK);
    if (!encoder->block || reserve(encoder, XERIAL_HEADER)) return MARTLET_CODEC_NO_MEMORY;
    memcpy(encoder->data + encoder->count, header, XERIAL_HEADER);
    encoder->count += XERIAL_HEADER;
    return MARTLET_CODEC_OK;
}

static int start_lz4(martlet_encoder *encoder, int32_t level) {
    LZ4F_preferences_t *preferences = &encoder->lz4_preferences;
    preferences->frameInfo.blockMode = LZ4F_blockIndependent;
    preferences->frameInfo.blockSizeID = LZ4F_max64KB;
    preferences->compressionLevel = level == MARTLET_LEVEL_DEFAULT ? 0 : level;
    if (LZ4F_isError(LZ4F_createCompressionContext(&encoder->lz4, LZ4F_VERSION))) {
        encoder->lz4 = NULL;
        return MARTLET_CODEC_NO_MEMORY;
    }
    if (reserve(encoder, LZ4F_HEADER_SIZE_MAX)) return MARTLET_CODEC_NO_MEMORY;
    size_t written = LZ4F_compressBegin(
        encoder->lz4, encoder->data + encoder->count, encoder->capacity - encoder->count, preferences);
    if (LZ4F_isError(written)) return MARTLET_CODEC_NO_MEMORY;
    encoder->count += written;
    return MARTLET_CODEC_OK;
}

static int start_zstd(martlet_encoder *encoder, int32_t level, size_t expected) {
    encoder->zstd = ZSTD_createCCtx();
    if (!encoder->zstd) return MARTLET_CODEC_NO_MEMORY;
    int chosen = level == MARTLET_LEVEL_DEFAULT ? ZSTD_CLEVEL_DEFAULT : level;
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, chosen);
    // Tables for what comes, not for the largest there is.
    if (expected != SIZE_MAX) ZSTD_CCtx_setPledgedSrcSize(encoder->zstd, expected);
    if (chosen >= ZSTD_WIDE_LEVEL) ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG_MAX);
    return MARTLET_CODEC_OK;
}

static int start(martlet_encoder *encoder, int32_t level, size_t expected) {
    switch (encoder->codec) {
    case MARTLET_CODEC_NONE: return MARTLET_CODEC_OK;
    case MARTLET_CODEC_GZIP: return start_gzip(encoder, level);
    case MARTLET_CODEC_SNAPPY: return start_snappy(encoder);
    case MARTLET_CODEC_LZ4: return start_lz4(encoder, level);
    case MARTLET_CODEC_ZSTD: return start_zstd(encoder, level, expected);
    default: return MARTLET_CODEC_CORRUPT;
    }
}

martlet_encoder *martlet_encoder_create(int codec, int32_t level, size_t expected, size_t headroom, size_t limit) {
    martlet_encoder *encoder = calloc(1, sizeof(martlet_encoder));
    if (!encoder) return NULL;
    encoder->codec = codec;
    encoder->limit = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4;
    if (encoder->limit < headroom) encoder->limit = headroom;
    if (reserve(encoder, headroom) || (encoder->count = headroom, start(encoder, level, expected))) {
        martlet_encoder_free(encoder);
        return NULL;
    }
    return encoder;
}

void martlet_encoder_free(martlet_encoder *encoder) {
    if (!encoder) return;
    if (encoder->has_gzip) deflateEnd(&encoder->gzip);
    if (encoder->lz4) LZ4F_freeCompressionContext(encoder->lz4);
    if (encoder->zstd) ZSTD_freeCCtx(encoder->zstd);
    free(encoder->block);
    free(encoder->data);
    free(encoder);
}

static int deflate_gzip(martlet_encoder *encoder, const uint8_t *source, size_t count, int mode) {
    z_stream *stream = &encoder->gzip;
    size_t taken = 0;
    for (;;) {
        int result = reserve(encoder, FIRST_CAPACITY);
        if (result) return result;
        size_t ask = count - taken < PIECE_MAX ? count - taken : PIECE_MAX;
        size_t room = encoder->capacity - encoder->count < PIECE_MAX ? encoder->capacity - encoder->count : PIECE_MAX;
        stream->next_in = (Bytef *)(uintptr_t)(source + taken);
        stream->avail_in = (uInt)ask;
        stream->next_out = encoder->data + encoder->count;
        stream->avail_out = (uInt)room;
        int status = deflate(stream, taken + ask == count ? mode : Z_NO_FLUSH);
        taken += ask - stream->avail_in;
        encoder->count += room - stream->avail_out;
        if (status == Z_STREAM_END) return MARTLET_CODEC_OK;
        if (status != Z_OK && status != Z_BUF_ERROR) return MARTLET_CODEC_CORRUPT;
        if (mode == Z_NO_FLUSH && taken == count && stream->avail_out != 0) return MARTLET_CODEC_OK;
    }
}

static int snappy_block(martlet_encoder *encoder) {
    size_t length = snappy_max_compressed_length(encoder->block_count);
    int result = reserve(encoder, 4 + length);
    if (result) return result;
    uint8_t *at = encoder->data + encoder->count;
    if (snappy_compress((const char *)encoder->block, encoder->block_count, (char *)at + 4, &length) != SNAPPY_OK)
        return MARTLET_CODEC_CORRUPT;
    at[0] = (uint8_t)(length >> 24), at[1] = (uint8_t)(length >> 16), at[2] = (uint8_t)(length >> 8);
    at[3] = (uint8_t)length;
    encoder->count += 4 + length;
    encoder->block_count = 0;
    return MARTLET_CODEC_OK;
}

static int write_snappy(martlet_encoder *encoder, const uint8_t *source, size_t count) {
    while (count) {
        size_t room = XERIAL_BLOCK - encoder->block_count, piece = count < room ? count : room;
        memcpy(encoder->block + encoder->block_count, source, piece);
        encoder->block_count += piece;
        source += piece;
        count -= piece;
        int result = encoder->block_count == XERIAL_BLOCK ? snappy_block(encoder) : MARTLET_CODEC_OK;
        if (result) return result;
    }
    return MARTLET_CODEC_OK;
}

static int write_lz4(martlet_encoder *encoder, const uint8_t *source, size_t count) {
    while (count) {
        size_t piece = count < LZ4_PIECE ? count : LZ4_PIECE;
        int result = reserve(encoder, LZ4F_compressBound(piece, &encoder->lz4_preferences));
        if (result) return result;
        size_t written = LZ4F_compressUpdate(
            encoder->lz4, encoder->data + encoder->count, encoder->capacity - encoder->count, source, piece, NULL);
        if (LZ4F_isError(written)) return MARTLET_CODEC_CORRUPT;
        encoder->count += written;
        source += piece;
        count -= piece;
    }
    return MARTLET_CODEC_OK;
}

static int finish_lz4(martlet_encoder *encoder) {
    int result = reserve(encoder, LZ4F_compressBound(0, &encoder->lz4_preferences));
    if (result) return result;
    size_t written =
        LZ4F_compressEnd(encoder->lz4, encoder->data + encoder->count, encoder->capacity - encoder->count, NULL);
    if (LZ4F_isError(written)) return MARTLET_CODEC_CORRUPT;
    encoder->count += written;
    return MARTLET_CODEC_OK;
}

static int write_zstd(martlet_encoder *encoder, const uint8_t *source, size_t count, ZSTD_EndDirective mode) {
    ZSTD_inBuffer input = {source, count, 0};
    for (;;) {
        int result = reserve(encoder, FIRST_CAPACITY);
        if (result) return result;
        ZSTD_outBuffer output = {encoder->data + encoder->count, encoder->capacity - encoder->count, 0};
        size_t left = ZSTD_compressStream2(encoder->zstd, &output, &input, mode);
        if (ZSTD_isError(left)) return MARTLET_CODEC_CORRUPT;
        encoder->count += output.pos;
        if (mode == ZSTD_e_continue ? input.pos == input.size : left == 0) return MARTLET_CODEC_OK;
    }
}

static int write_plain(martlet_encoder *encoder, const uint8_t *source, size_t count) {
    // What is beyond the limit is not gathered first.
    if (count > encoder->limit - (encoder->count < encoder->limit ? encoder->count : encoder->limit))
        return MARTLET_CODEC_TOO_LARGE;
    int result = reserve(encoder, count);
    if (result) return result;
    if (count) memcpy(encoder->data + encoder->count, source, count);
    encoder->count += count;
    return MARTLET_CODEC_OK;
}

int martlet_encoder_write(martlet_encoder *encoder, const void *source, size_t count) {
    switch (encoder->codec) {
    case MARTLET_CODEC_NONE: return write_plain(encoder, source, count);
    case MARTLET_CODEC_GZIP: return count ? deflate_gzip(encoder, source, count, Z_NO_FLUSH) : MARTLET_CODEC_OK;
    case MARTLET_CODEC_SNAPPY: return write_snappy(encoder, source, count);
    case MARTLET_CODEC_LZ4: return write_lz4(encoder, source, count);
    case MARTLET_CODEC_ZSTD: return write_zstd(encoder, source, count, ZSTD_e_continue);
    default: return MARTLET_CODEC_CORRUPT;
    }
}

static int end(martlet_encoder *encoder) {
    switch (encoder->codec) {
    case MARTLET_CODEC_GZIP: return deflate_gzip(encoder, (const uint8_t *)"", 0, Z_FINISH);
    case MARTLET_CODEC_SNAPPY: return encoder->block_count ? snappy_block(encoder) : MARTLET_CODEC_OK;
    case MARTLET_CODEC_LZ4: return finish_lz4(encoder);
    case MARTLET_CODEC_ZSTD: return write_zstd(encoder, (const uint8_t *)"", 0, ZSTD_e_end);
    default: return MARTLET_CODEC_OK;
    }
}

int martlet_encoder_finish(martlet_encoder *encoder, void **output, size_t *output_count) {
    int result = end(encoder);
    if (result == MARTLET_CODEC_OK) result = reserve(encoder, 1);
    if (result) return result;
    *output = encoder->data;
    *output_count = encoder->count;
    encoder->data = NULL;
    encoder->count = encoder->capacity = 0;
    return MARTLET_CODEC_OK;
}
