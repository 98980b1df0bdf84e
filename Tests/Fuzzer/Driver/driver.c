// What libFuzzer calls. Its runtime brings `main`.
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void martlet_fuzz_run(const uint8_t *input, intptr_t count, intptr_t (*heap_bytes)(void));
intptr_t martlet_fuzz_forge(uint64_t seed, uint8_t *output, intptr_t capacity);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static intptr_t heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (intptr_t)(info.uordblks + info.hblkhd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    martlet_fuzz_run(data, (intptr_t)size, heap_bytes);
    return 0;
}

// One in sixteen inputs is forged anew from the message definitions and the file formats; the others keep the byte that
// chooses the target mostly, so that what was learned of a format stays with it.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    if (size < 2 || seed % 16 == 0) {
        size_t made = (size_t)martlet_fuzz_forge(seed, data, (intptr_t)max_size);
        if (made > 0) return made;
    }
    if (seed % 64 == 1 || size < 2) return LLVMFuzzerMutate(data, size, max_size);
    return 1 + LLVMFuzzerMutate(data + 1, size - 1, max_size - 1);
}
