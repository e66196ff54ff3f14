# The C and C++ library: static (the engine itself) and shared, with the headers of both interfaces and the package that
# find_package(xnorkit) finds. A wheel leaves them out: they are then built and installed on demand,
# `cmake --build DIR --target xnorkit_shared` and `cmake --install DIR --component library --prefix PREFIX`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(xnorkit_shared SHARED src/file/interface.cpp src/file/load.cpp)
target_include_directories(xnorkit_shared
  PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
  PRIVATE src)
target_link_libraries(xnorkit_shared PRIVATE xnorkit_engine)
target_compile_options(xnorkit_shared PRIVATE -O3 -fvisibility=hidden ${XNORKIT_WARNINGS} -Wshadow)
set_target_properties(xnorkit_engine PROPERTIES OUTPUT_NAME xnorkit EXPORT_NAME static)
set_target_properties(xnorkit_shared PROPERTIES OUTPUT_NAME xnorkit EXPORT_NAME xnorkit
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

# Exported are the functions of xnorkit/xnorkit.h, and not what templates of the standard library leave.
if(APPLE)
  target_link_options(xnorkit_shared PRIVATE -Wl,-exported_symbol,_xnorkit_*)
elseif(UNIX)
  target_link_options(xnorkit_shared PRIVATE
    -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map -Wl,--gc-sections $<$<CONFIG:Release>:-s>)
  set_property(TARGET xnorkit_shared APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map)
endif()

set(on_demand "")
if(XNORKIT_WHEEL)
  set(on_demand EXCLUDE_FROM_ALL)
  set_target_properties(xnorkit_shared PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/xnorkit)
install(TARGETS xnorkit_engine xnorkit_shared EXPORT xnorkit-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library ${on_demand}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library ${on_demand}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT library ${on_demand})
install(FILES include/xnorkit/xnorkit.h include/xnorkit/model.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xnorkit COMPONENT library ${on_demand})
install(EXPORT xnorkit-targets NAMESPACE xnorkit:: DESTINATION ${package} COMPONENT library ${on_demand})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/xnorkit-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/xnorkit-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/xnorkit-config-version.cmake
  DESTINATION ${package} COMPONENT library ${on_demand})
