/* A plugin that kills its process when a picture is 13 pixels wide, for tests of the supervisor. */
#include <stdlib.h>

#include "pairloom/extractor.h"

static int width(void* state, const struct pairloom_image* image, struct pairloom_values* values) {
  (void)state;
  if (image->width_px == 13) abort();
  int32_t* row = values->rows(values, 1);
  if (row == NULL) return 1;
  *row = (int32_t)image->width_px;
  return 0;
}

static const struct pairloom_extractor kWidth = {.size_bytes = sizeof(struct pairloom_extractor),
                                                 .name = "size-of-13-crashes",
                                                 .version = 1,
                                                 .element = PAIRLOOM_I32,
                                                 .pixels = PAIRLOOM_GRAY,
                                                 .flags = PAIRLOOM_ONE_ROW,
                                                 .columns = 1,
                                                 .extract = width};

const struct pairloom_extractor* const* pairloom_extractors(uint32_t abi) {
  static const struct pairloom_extractor* const kAll[] = {&kWidth, NULL};
  return abi == PAIRLOOM_EXTRACTOR_ABI ? kAll : NULL;
}
