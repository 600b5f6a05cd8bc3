# Flags live on one interface target, so that a room says only "passnet_options".
option(PASSNET_WERROR "Warnings are errors" OFF)
set(PASSNET_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
# A build folder may be moved, and its programs carried to a host that lacks their libraries (./dev gpu-bundle).
set(CMAKE_BUILD_RPATH "$ORIGIN/../lib")

# A clone elsewhere finds what this one compiled: ccache takes paths below the source folder as relative and leaves the
# build folder out of the key; -ffile-prefix-map (below) keeps the folder out of what is compiled.
find_program(PASSNET_CCACHE ccache)
if(PASSNET_CCACHE)
  set(passnet_launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true ${PASSNET_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${passnet_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${passnet_launcher})
endif()

add_library(passnet_options INTERFACE)
target_include_directories(passnet_options INTERFACE ${CMAKE_SOURCE_DIR})
# fcoroutines: C++20 in GCC 12 has it on by default; named for readers. Hardening as Debian's own packages use it.
target_compile_options(passnet_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wswitch -Werror=switch -Werror=return-type
  $<$<BOOL:${PASSNET_WERROR}>:-Werror>
  -fno-omit-frame-pointer -fstack-protector-strong
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
# In a unity build our own files are included, and GCC takes what they keep to themselves for a header's mistake.
target_compile_options(passnet_options INTERFACE $<$<BOOL:${CMAKE_UNITY_BUILD}>:-Wno-subobject-linkage>)
# The debug information of Beast's templates doubles link times; line tables are enough for backtraces.
target_compile_options(passnet_options INTERFACE $<$<CONFIG:RelWithDebInfo>:-g1>)
target_compile_definitions(passnet_options INTERFACE
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
if(PASSNET_SANITIZE)
  # ThreadSanitizer's programs are too slow without optimisation; under AddressSanitizer compiling is what costs.
  if(PASSNET_SANITIZE STREQUAL "thread")
    set(passnet_sanitizer_level -O1)
  else()
    set(passnet_sanitizer_level -O0)
  endif()
  target_compile_options(passnet_options INTERFACE
    -fsanitize=${PASSNET_SANITIZE} -fno-sanitize-recover=all ${passnet_sanitizer_level} -g1)
  target_link_options(passnet_options INTERFACE -fsanitize=${PASSNET_SANITIZE})
endif()
