// Planes of luma and chroma, as the decoders of HEVC and AV1 leave them, and how they become rows of samples. Gray is
// the luma plane wherever that is the gray of raster.h: no chroma is touched. Runs in: worker only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {

// How numbers mean colours: ITU-T H.273. Matrix 2: nobody said.
struct YuvColour {
  uint8_t matrix = 2;
  bool full_range = false;
};

// Borrowed: whoever decoded them keeps them alive.
struct YuvPlanes {
  struct Plane {
    const uint8_t* samples = nullptr;  // above 8 bits uint16_t, of native byte order
    ptrdiff_t stride_bytes = 0;
    uint8_t bits = 8;
  };
  std::array<Plane, 3> planes;  // luma, Cb, Cr; without chroma only the first
  uint32_t width = 0, height = 0;
  uint8_t chroma_shift_x = 0, chroma_shift_y = 0;
  bool has_chroma = false;
  YuvColour colour;
};

// True if the luma of these planes is the gray we want: 0.299 R + 0.587 G + 0.114 B.
bool luma_is_gray(const YuvPlanes& planes);

// Row `y`, `width` pixels (at most planes.width) of 8 bits. Limited range is stretched, more bits are rounded to 8.
void luma_row(const YuvPlanes& planes, uint32_t y, uint32_t width, uint8_t* gray);
// RGB; chroma is the nearest sample. Without chroma: gray three times.
void rgb_row(const YuvPlanes& planes, uint32_t y, uint32_t width, uint8_t* rgb);

}  // namespace pairloom::workerproc
