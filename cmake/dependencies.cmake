# Everything comes from Debian 12's packages; tools/debian-packages.txt names them. ./run installs them.

find_package(PkgConfig REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(LIBDEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4)
pkg_check_modules(DAV1D REQUIRED IMPORTED_TARGET dav1d)
pkg_check_modules(LIBDE265 REQUIRED IMPORTED_TARGET libde265)
pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2)

# LibRaw's pkg-config file asks for OpenMP flags and for libraries that only it needs.
pkg_check_modules(LIBRAW REQUIRED libraw)
add_library(pairloom_libraw INTERFACE)
target_include_directories(pairloom_libraw SYSTEM INTERFACE ${LIBRAW_INCLUDE_DIRS})
target_link_libraries(pairloom_libraw INTERFACE raw gomp)

# libjxl is loaded at run time, when a file needs it (workerproc/decode/jxl_library.h): its headers are enough.
pkg_check_modules(LIBJXL REQUIRED IMPORTED_TARGET libjxl)
add_library(pairloom_libjxl_headers INTERFACE)
target_include_directories(pairloom_libjxl_headers SYSTEM INTERFACE ${LIBJXL_INCLUDE_DIRS})

find_path(GIF_INCLUDE gif_lib.h REQUIRED)
find_library(GIF_LIBRARY gif REQUIRED)
add_library(pairloom_gif INTERFACE)
target_include_directories(pairloom_gif SYSTEM INTERFACE ${GIF_INCLUDE})
target_link_libraries(pairloom_gif INTERFACE ${GIF_LIBRARY})

# OpenCV without libopencv-dev: that package pulls in 415 others (GDAL, HDF5, database clients), and with them OpenCV's
# CMake config. The lean packages are found by hand; 4.6's headers warn under C++20, hence SYSTEM.
find_path(OPENCV_INCLUDE opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(module core imgproc features2d calib3d)
  find_library(OPENCV_${module} opencv_${module} REQUIRED)
  add_library(opencv_${module} INTERFACE)
  target_include_directories(opencv_${module} SYSTEM INTERFACE ${OPENCV_INCLUDE})
  target_link_libraries(opencv_${module} INTERFACE ${OPENCV_${module}})
endforeach()
