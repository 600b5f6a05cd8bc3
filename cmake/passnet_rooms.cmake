# passnet_library(name SOURCES … LINKS … PRIVATE_LINKS …): the static library passnet_<name> with alias passnet::<name>.
# LINKS are rooms whose headers appear in this room's headers; PRIVATE_LINKS are everything else.
function(passnet_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(passnet_${name} STATIC ${ARG_SOURCES})
  add_library(passnet::${name} ALIAS passnet_${name})
  target_link_libraries(passnet_${name} PUBLIC passnet_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# passnet_test(name SOURCES … LINKS … LABELS … TIMEOUT seconds): one executable a folder, every case known to ctest.
# LABELS: quick (runs under the sanitizers too, through the target quick_tests), integration, slow, gpu, peers.
# WHOLE: one ctest test for the program, where what its cases share costs more to start than most cases; .ci/count_tests.py
# counts the cases.
add_custom_target(quick_tests)
function(passnet_test name)
  cmake_parse_arguments(ARG "WHOLE" "TIMEOUT" "SOURCES;LINKS;LABELS;PROPERTIES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  # gtest_discover_tests would hand the second label on as a property name.
  list(LENGTH ARG_LABELS label_count)
  if(NOT label_count EQUAL 1)
    message(FATAL_ERROR "passnet_test(${name}): LABELS wants exactly one label, got '${ARG_LABELS}'")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE passnet_options passnet::fakes ${ARG_LINKS} GTest::gmock GTest::gtest GTest::gtest_main)
  if(ARG_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
      PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
  endif()
  if(ARG_LABELS STREQUAL quick)
    add_dependencies(quick_tests ${name})
  elseif(ARG_LABELS STREQUAL gpu)
    set_property(GLOBAL APPEND PROPERTY PASSNET_GPU_TESTS ${name})
  endif()
endfunction()

# passnet_python_test(name SCRIPT file LABELS … [ENVIRONMENT A=b …]): a unittest file, every case its own ctest test, as
# with passnet_test.
function(passnet_python_test name)
  cmake_parse_arguments(ARG "" "SCRIPT;LABELS" "ENVIRONMENT" ${ARGN})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARG_SCRIPT})
  file(STRINGS ${ARG_SCRIPT} lines REGEX "^class [A-Za-z0-9_]+\\(|^    def test_[a-z0-9_]+\\(")
  foreach(line ${lines})
    if(line MATCHES "^class ([A-Za-z0-9_]+)")
      set(class ${CMAKE_MATCH_1})
    elseif(line MATCHES "def (test_[a-z0-9_]+)")
      set(case ${class}.${CMAKE_MATCH_1})
      add_test(NAME ${name}.${case} COMMAND ${PASSNET_PYTHON} ${ARG_SCRIPT} -v ${case}
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
      set_tests_properties(${name}.${case} PROPERTIES
        LABELS "${ARG_LABELS}" ENVIRONMENT "${ARG_ENVIRONMENT}" TIMEOUT 120 SKIP_REGULAR_EXPRESSION "OK \\(skipped=1\\)")
    endif()
  endforeach()
endfunction()
