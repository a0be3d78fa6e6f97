// The one EXIF field that matters to a hash: which way up. Our own bounds-checked look-up of one tag; a full EXIF
// parser is attack surface without use here. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pairloom::workerproc {

// Orientation 1..8 from an EXIF block (TIFF structure: "II*\0" or "MM\0*"; a leading "Exif\0\0" is skipped). 1 when
// there is none or the block is damaged. Tag 0x0112 of IFD 0, type SHORT: EXIF 2.3 (CIPA DC-008-2012), 4.6.4.
uint8_t exif_orientation(std::span<const std::byte> block);

}  // namespace pairloom::workerproc
