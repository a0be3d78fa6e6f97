// The interface of pairloom's extractor plugins: a shared object with features of your own, in C or anything that can
// speak C. examples/extractor_plugin/ has one to start from.
//
//   cc -shared -fPIC -O2 -I include my_features.c -o my_features.so
//   pairloom extract --plugin ./my_features.so --features my-feature PICTURES -o csv
//
// A plugin is loaded by pairloom's workers only, one process per core, each with one thread: nothing needs a lock, and
// what is static belongs to one process. Workers open no files and have no network (docs/design.md, section 6): do what
// must be read from disk when the object is loaded. A plugin that crashes costs the file it was at, not the run.
//
// The structures only ever grow at their ends; PAIRLOOM_EXTRACTOR_ABI changes when that is not enough, and a plugin of
// another number is refused.
//
// Runs in: worker only.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAIRLOOM_EXTRACTOR_ABI 1

/* Types of values. */
enum { PAIRLOOM_U8 = 1, PAIRLOOM_I32 = 2, PAIRLOOM_F32 = 3, PAIRLOOM_F64 = 4 };
/* What pixels look like: 8 bits a channel. */
enum { PAIRLOOM_GRAY = 1, PAIRLOOM_BGR = 3 };
/* Flags of an extractor. */
enum {
  PAIRLOOM_ONE_ROW = 1, /* exactly one row for each image; without it any number, also none: a row is a keypoint */
  PAIRLOOM_CODE = 2     /* a hash of PAIRLOOM_U8, one row: shown in hexadecimal */
};

/* A picture as it is shown (EXIF orientation applied, alpha on white), in full size. The pixel at (x, y) begins at
 * pixels + y * stride_bytes + x * channels. Valid during the call. */
struct pairloom_image {
  const uint8_t* pixels;
  uint32_t width_px, height_px, stride_bytes;
  uint32_t channels; /* 1 (PAIRLOOM_GRAY) or 3 (PAIRLOOM_BGR: blue, green, red), as the extractor asked for */
};

/* Where an extractor puts its values. */
struct pairloom_values {
  void* host; /* pairloom's own */
  /* Memory for `rows` rows (at most 1048576) of the extractor's columns, row after row, zeroed; to be filled before
   * returning. Once a call. NULL: there is no memory, or it was called twice, or with one row too many: return 1. */
  void* (*rows)(struct pairloom_values* values, uint32_t rows);
  /* Why there are no values: text for the user, copied. For returning 1. */
  void (*fail)(struct pairloom_values* values, const char* message);
};

struct pairloom_extractor {
  uint32_t size_bytes;    /* sizeof(struct pairloom_extractor), so that it can grow */
  const char* name;       /* as in --features: letters, digits, '-' and '_' */
  uint32_t version;       /* raise it when the same image may yield other values: stored values are told apart by it */
  const char* about;      /* one line */
  uint32_t element;       /* PAIRLOOM_U8 ... */
  uint32_t pixels;        /* PAIRLOOM_GRAY or PAIRLOOM_BGR */
  uint32_t flags;         /* PAIRLOOM_ONE_ROW ... */
  uint32_t columns;       /* values in a row, at most 65536 */
  const char* const* column_names; /* `columns` of them without spaces, commas and quotes; NULL: "0", "1" ... */

  /* Called once before the first image. Whatever it returns is given to the others as `state`; NULL is fine. May itself
   * be NULL. */
  void* (*create)(void);
  void (*destroy)(void* state); /* may be NULL */
  /* The values of one image. 0: done. Anything else: no values, this file is reported as failed. */
  int (*extract)(void* state, const struct pairloom_image* image, struct pairloom_values* values);
};

/* What a plugin exports, under exactly this name: its extractors, ended by NULL, which stay where they are. `abi` is the
 * host's PAIRLOOM_EXTRACTOR_ABI; a plugin that cannot serve it returns NULL. */
const struct pairloom_extractor* const* pairloom_extractors(uint32_t abi);
typedef const struct pairloom_extractor* const* (*pairloom_extractors_function)(uint32_t abi);

#ifdef __cplusplus
}
#endif
