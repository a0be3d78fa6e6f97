// PNGs of the common kind, sooner than libpng: not interlaced, 8 bits a sample (or 16 of gray, where they are kept), no
// palette, no transparent colour, nothing wrong with them. All else and all doubt is left to libpng. Runs in: worker
// only.
#pragma once

#include <cstddef>
#include <span>

#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {

// `picture` has been begun (decode/raster.h) for this file. True: its pixels are there, the same as libpng's, and
// has_alpha is set. False: it is as it was, but for the pixels.
bool decode_plain_png(std::span<const std::byte> file, Picture& picture);

}  // namespace pairloom::workerproc
