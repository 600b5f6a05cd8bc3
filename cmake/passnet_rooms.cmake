# passnet_library(name SOURCES … LINKS … PRIVATE_LINKS …): the static library passnet_<name> with alias passnet::<name>.
# LINKS are rooms whose headers appear in this room's headers; PRIVATE_LINKS are everything else.
function(passnet_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(passnet_${name} STATIC ${ARG_SOURCES})
  add_library(passnet::${name} ALIAS passnet_${name})
  target_link_libraries(passnet_${name} PUBLIC passnet_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# passnet_test(name SOURCES … LINKS … LABELS … TIMEOUT seconds): one executable a folder, every case known to ctest.
# LABELS: quick (runs under the sanitizers too), integration, slow, gpu, peers.
function(passnet_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS;PROPERTIES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE passnet_options ${ARG_LINKS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    PASSNET_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PASSNET_BINARY_DIR="${CMAKE_BINARY_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
endfunction()
