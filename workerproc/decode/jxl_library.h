// libjxl, loaded when it is first needed: one of the libraries it depends on (libhwy 1.0) measures the clock for 5 ms
// whenever it is loaded, which would nearly double the start of every worker. Runs in: worker only.
#pragma once

#include <jxl/decode.h>

#include <string>

#include "base/result.h"

namespace pairloom::workerproc {

// The functions that are used, by their names without the prefix.
struct JxlLibrary {
  decltype(&JxlDecoderVersion) version;
  decltype(&JxlDecoderCreate) create;
  decltype(&JxlDecoderDestroy) destroy;
  decltype(&JxlDecoderSubscribeEvents) subscribe_events;
  decltype(&JxlDecoderSetKeepOrientation) set_keep_orientation;
  decltype(&JxlDecoderSetUnpremultiplyAlpha) set_unpremultiply_alpha;
  decltype(&JxlDecoderSetInput) set_input;
  decltype(&JxlDecoderCloseInput) close_input;
  decltype(&JxlDecoderProcessInput) process_input;
  decltype(&JxlDecoderGetBasicInfo) get_basic_info;
  decltype(&JxlDecoderGetColorAsEncodedProfile) get_color_as_encoded_profile;
  decltype(&JxlDecoderSetPreferredColorProfile) set_preferred_color_profile;
  decltype(&JxlDecoderSetImageOutCallback) set_image_out_callback;
};

// Loads it at the first call. Errors: kUnsupported, when it is not installed.
Result<const JxlLibrary*> jxl_library();
// Whether the next jxl_library() would have to open files.
bool jxl_library_is_loaded();

}  // namespace pairloom::workerproc
