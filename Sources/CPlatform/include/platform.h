#ifndef MARTLET_PLATFORM_H
#define MARTLET_PLATFORM_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#endif
