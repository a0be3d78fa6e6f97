# How every library, program and test of pairloom is compiled.

string(REPLACE "." ";" version_parts ${PROJECT_VERSION})
list(GET version_parts 0 major)
list(GET version_parts 1 minor)
list(GET version_parts 2 patch)
math(EXPR PAIRLOOM_VERSION_NUMBER "${major} * 10000 + ${minor} * 100 + ${patch}")

add_library(pairloom_settings INTERFACE)
target_include_directories(pairloom_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(pairloom_settings INTERFACE
  PAIRLOOM_VERSION="${PROJECT_VERSION}" PAIRLOOM_VERSION_NUMBER=${PAIRLOOM_VERSION_NUMBER})
target_compile_options(pairloom_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -fno-omit-frame-pointer -fstack-protector-strong)
# g++ 12 sees both of these where they are not, once it optimises (gcc.gnu.org PR105329, PR105562); dev keeps them.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(pairloom_settings INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-Wno-maybe-uninitialized> $<$<NOT:$<CONFIG:Debug>>:-Wno-restrict>)
endif()
if(PAIRLOOM_WERROR)
  target_compile_options(pairloom_settings INTERFACE -Werror)
endif()
if(PAIRLOOM_SANITIZE)
  target_compile_options(pairloom_settings INTERFACE -fsanitize=${PAIRLOOM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(pairloom_settings INTERFACE -fsanitize=${PAIRLOOM_SANITIZE})
else()
  target_compile_definitions(pairloom_settings INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()

# pairloom_library(NAME SOURCES a.cpp ... LINK targets ...): a static library; LINK is public.
function(pairloom_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC pairloom_settings ${ARG_LINK})
endfunction()
