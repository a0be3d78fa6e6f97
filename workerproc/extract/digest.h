// What a content is known by. Runs in: worker only.
#pragma once

#include <cstddef>
#include <span>

#include "base/image.h"

namespace pairloom::workerproc {

// XXH3-128 of a file's bytes.
Digest digest_of(std::span<const std::byte> file_bytes);

}  // namespace pairloom::workerproc
