#ifndef MARTLET_CODECS_H
#define MARTLET_CODECS_H
#include <stddef.h>
#include <stdint.h>
#endif
