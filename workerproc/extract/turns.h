// A picture mirrored or rotated, as the hashes see it. Runs in: worker only.
#pragma once

#include <cstdint>

#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

// The same picture turned once more: as it would be shown if what `view` shows were stored with this EXIF orientation. Its
// codes are those of the turned picture, bit for bit. (PDQ's terms could be turned instead of the picture, which is what
// its reference offers; but its samples do not lie symmetrically, and on pictures of 300 pixels such codes are up to 34
// bits off.)
View turned(const View& view, uint8_t exif);

}  // namespace pairloom::workerproc
