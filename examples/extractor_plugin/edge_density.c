/* An extractor plugin: how much of a picture is edges, in a grid of 4 x 4 cells, and where its brightest pixels are.
 *
 *   cc -shared -fPIC -O2 -I include examples/extractor_plugin/edge_density.c -o edge_density.so
 *   pairloom extract --plugin ./edge_density.so --features edge-density,bright-pixels PICTURES -o jsonl */
#include <stdlib.h>

#include "pairloom/extractor.h"

enum { kGrid = 4, kEdge = 32, kBright = 250 };

/* One row of 16 numbers for each image: the share of pixels in a cell that differ by kEdge or more from the pixel to
 * their right or below. */
static int edge_density(void* state, const struct pairloom_image* image, struct pairloom_values* values) {
  (void)state;
  if (image->width_px < kGrid || image->height_px < kGrid) {
    values->fail(values, "smaller than the grid of 4 x 4 cells");
    return 1;
  }
  double* shares = values->rows(values, 1);
  if (shares == NULL) return 1;
  uint32_t pixels[kGrid * kGrid] = {0}, edges[kGrid * kGrid] = {0};
  for (uint32_t y = 0; y + 1 < image->height_px; ++y) {
    const uint8_t* row = image->pixels + (size_t)y * image->stride_bytes;
    const uint8_t* below = row + image->stride_bytes;
    for (uint32_t x = 0; x + 1 < image->width_px; ++x) {
      const uint64_t cell_y = (uint64_t)y * kGrid / image->height_px, cell_x = (uint64_t)x * kGrid / image->width_px;
      const uint64_t cell = cell_y * kGrid + cell_x;
      ++pixels[cell];
      if (abs(row[x] - row[x + 1]) >= kEdge || abs(row[x] - below[x]) >= kEdge) ++edges[cell];
    }
  }
  for (int cell = 0; cell < kGrid * kGrid; ++cell)
    if (pixels[cell] > 0) shares[cell] = (double)edges[cell] / pixels[cell];
  return 0;
}

/* Any number of rows (x, y): the first hundred pixels that are nearly white. The buffer shows what state is for. */
struct bright_state {
  int32_t found[100][2];
};

static void* bright_create(void) {
  return malloc(sizeof(struct bright_state));
}

static int bright_pixels(void* state, const struct pairloom_image* image, struct pairloom_values* values) {
  struct bright_state* bright = state;
  if (bright == NULL) return 1;
  uint32_t count = 0;
  for (uint32_t y = 0; y < image->height_px; ++y) {
    const uint8_t* row = image->pixels + (size_t)y * image->stride_bytes;
    for (uint32_t x = 0; x < image->width_px && count < 100; ++x) {
      const uint8_t* bgr = row + (size_t)x * 3;
      if (bgr[0] < kBright || bgr[1] < kBright || bgr[2] < kBright) continue;
      bright->found[count][0] = (int32_t)x;
      bright->found[count][1] = (int32_t)y;
      ++count;
    }
  }
  int32_t* rows = values->rows(values, count);
  if (rows == NULL) return 1;
  for (uint32_t i = 0; i < count; ++i) {
    rows[2 * i] = bright->found[i][0];
    rows[2 * i + 1] = bright->found[i][1];
  }
  return 0;
}

static const char* const kBrightColumns[] = {"x", "y"};
static const struct pairloom_extractor kEdgeDensity = {
    .size_bytes = sizeof(struct pairloom_extractor),
    .name = "edge-density",
    .version = 1,
    .about = "share of edge pixels in 4 x 4 cells",
    .element = PAIRLOOM_F64,
    .pixels = PAIRLOOM_GRAY,
    .flags = PAIRLOOM_ONE_ROW,
    .columns = kGrid * kGrid,
    .extract = edge_density,
};
static const struct pairloom_extractor kBrightPixels = {
    .size_bytes = sizeof(struct pairloom_extractor),
    .name = "bright-pixels",
    .version = 1,
    .about = "where the first hundred nearly white pixels are",
    .element = PAIRLOOM_I32,
    .pixels = PAIRLOOM_BGR,
    .columns = 2,
    .column_names = kBrightColumns,
    .create = bright_create,
    .destroy = free,
    .extract = bright_pixels,
};

const struct pairloom_extractor* const* pairloom_extractors(uint32_t abi) {
  static const struct pairloom_extractor* const kExtractors[] = {&kEdgeDensity, &kBrightPixels, NULL};
  return abi == PAIRLOOM_EXTRACTOR_ABI ? kExtractors : NULL;
}
