#include "workerproc/decode/jxl_library.h"

#include <dlfcn.h>

#include <fmt/format.h>

namespace pairloom::workerproc {
namespace {

// Its name carries the version that the headers are of.
std::string file_name() {
  return fmt::format("libjxl.so.{}.{}", JPEGXL_MAJOR_VERSION, JPEGXL_MINOR_VERSION);
}

struct Loaded {
  JxlLibrary functions{};
  std::string error;
};

Loaded load() {
  Loaded loaded;
  void* library = ::dlopen(file_name().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    loaded.error = fmt::format("JPEG XL: {}; install libjxl {}.{} to read such files",
                               reason != nullptr ? reason : "libjxl cannot be loaded", JPEGXL_MAJOR_VERSION,
                               JPEGXL_MINOR_VERSION);
    return loaded;
  }
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) loaded.error = fmt::format("JPEG XL: {} has no {}", file_name(), name);
  };
  JxlLibrary& jxl = loaded.functions;
  find(jxl.version, "JxlDecoderVersion");
  find(jxl.create, "JxlDecoderCreate");
  find(jxl.destroy, "JxlDecoderDestroy");
  find(jxl.subscribe_events, "JxlDecoderSubscribeEvents");
  find(jxl.set_keep_orientation, "JxlDecoderSetKeepOrientation");
  find(jxl.set_unpremultiply_alpha, "JxlDecoderSetUnpremultiplyAlpha");
  find(jxl.set_input, "JxlDecoderSetInput");
  find(jxl.close_input, "JxlDecoderCloseInput");
  find(jxl.process_input, "JxlDecoderProcessInput");
  find(jxl.get_basic_info, "JxlDecoderGetBasicInfo");
  find(jxl.get_color_as_encoded_profile, "JxlDecoderGetColorAsEncodedProfile");
  find(jxl.set_preferred_color_profile, "JxlDecoderSetPreferredColorProfile");
  find(jxl.set_image_out_callback, "JxlDecoderSetImageOutCallback");
  return loaded;
}

bool loaded_once = false;

}  // namespace

Result<const JxlLibrary*> jxl_library() {
  static const Loaded loaded = load();
  loaded_once = true;
  if (!loaded.error.empty()) return fail(Errc::kUnsupported, loaded.error);
  return &loaded.functions;
}

bool jxl_library_is_loaded() {
  return loaded_once;
}

}  // namespace pairloom::workerproc
