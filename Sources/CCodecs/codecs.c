#include "codecs.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16384

// Memory that grows by doubling, one byte beyond the limit at most: that byte tells "exactly the limit" from "too
// large".
static int gather(martlet_decoder *decoder, size_t limit, uint8_t **output, size_t *output_count) {
    size_t capacity = FIRST_CAPACITY < limit ? FIRST_CAPACITY : limit + 1, count = 0;
    uint8_t *data = malloc(capacity);
    int result = data ? MARTLET_CODEC_OK : MARTLET_CODEC_NO_MEMORY;
    while (result == MARTLET_CODEC_OK) {
        size_t written = 0;
        result = martlet_decoder_read(decoder, data + count, capacity - count, &written);
        count += written;
        if (result || count < capacity) break;
        size_t doubled = capacity <= limit / 2 ? capacity * 2 : limit + 1;
        uint8_t *grown = realloc(data, doubled);
        if (!grown) result = MARTLET_CODEC_NO_MEMORY;
        else data = grown, capacity = doubled;
    }
    if (result) {
        free(data);
        return result;
    }
    *output = data;
    *output_count = count;
    return MARTLET_CODEC_OK;
}

int martlet_decompress(int codec, const void *source, size_t count, size_t limit, void **output, size_t *output_count) {
    martlet_decoder *decoder = martlet_decoder_create();
    if (!decoder) return MARTLET_CODEC_NO_MEMORY;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    uint8_t *data = NULL;
    int result = martlet_decoder_begin(decoder, codec, source, count, limit);
    if (result == MARTLET_CODEC_OK) result = gather(decoder, limit, &data, output_count);
    martlet_decoder_free(decoder);
    *output = data;
    return result;
}

int martlet_compress(int codec, int32_t level, const void *source, size_t count, void **output, size_t *output_count) {
    martlet_encoder *encoder = martlet_encoder_create(codec, level, count, 0, SIZE_MAX);
    if (!encoder) return MARTLET_CODEC_NO_MEMORY;
    int result = martlet_encoder_write(encoder, source, count);
    if (result == MARTLET_CODEC_OK) result = martlet_encoder_finish(encoder, output, output_count);
    martlet_encoder_free(encoder);
    return result;
}

void martlet_codec_free(void *output) { free(output); }
