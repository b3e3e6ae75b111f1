#!/bin/sh
# Installs libgaugelink: headers, libraries, plugins, pkg-config and CMake files; and the program, where it was built. The
# tree may be moved afterwards.
#   cargo build --release && ffi/install.sh PREFIX [FOLDER WITH THE BUILT LIBRARIES, by default target/release]
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 PREFIX [BUILT]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
built=${2:-$root/target/release}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
major=${version%%.*}
if [ ! -f "$built/libgaugelink.so" ] || [ ! -f "$built/libgaugelink.a" ]; then
  echo "$built holds no libgaugelink.so and .a: run cargo build --release first" >&2
  exit 1
fi

mkdir -p "$1"
prefix=$(cd "$1" && pwd)
lib=$prefix/lib
mkdir -p "$prefix/include/gaugelink" "$lib/pkgconfig" "$lib/cmake/gaugelink" "$lib/gaugelink/plugins"
install -m 644 "$root"/include/gaugelink/* "$prefix/include/gaugelink/"
install -m 755 "$built/libgaugelink.so" "$lib/libgaugelink.so.$version"
ln -sf "libgaugelink.so.$version" "$lib/libgaugelink.so.$major"
ln -sf "libgaugelink.so.$major" "$lib/libgaugelink.so"
install -m 644 "$built/libgaugelink.a" "$lib/libgaugelink.a"
for name in flow force precond minimal_c; do
  if [ -f "$built/libglk_$name.so" ]; then
    install -m 755 "$built/libglk_$name.so" "$lib/gaugelink/plugins/"
  fi
done
if [ -f "$built/gaugelink" ]; then
  mkdir -p "$prefix/bin"
  install -m 755 "$built/gaugelink" "$prefix/bin/gaugelink"
fi

cat > "$lib/pkgconfig/gaugelink.pc" <<END
prefix=\${pcfiledir}/../..
libdir=\${prefix}/lib
includedir=\${prefix}/include
plugindir=\${libdir}/gaugelink/plugins

Name: gaugelink
Description: Machine learning inside real lattice QCD: ILDG, fields, plugins
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -lgaugelink
Libs.private: -lgcc_s -lpthread -ldl -lm
END

cat > "$lib/cmake/gaugelink/gaugelink-config.cmake" <<'END'
# gaugelink::abi (plugin.h alone, no library), gaugelink::shared, gaugelink::static
get_filename_component(_gaugelink_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET gaugelink::abi)
  add_library(gaugelink::abi INTERFACE IMPORTED)
  set_target_properties(gaugelink::abi PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_gaugelink_prefix}/include")
  add_library(gaugelink::shared SHARED IMPORTED)
  set_target_properties(gaugelink::shared PROPERTIES
    IMPORTED_LOCATION "${_gaugelink_prefix}/lib/libgaugelink.so"
    IMPORTED_SONAME "libgaugelink.so.@MAJOR@"
    INTERFACE_INCLUDE_DIRECTORIES "${_gaugelink_prefix}/include")
  add_library(gaugelink::static STATIC IMPORTED)
  set_target_properties(gaugelink::static PROPERTIES
    IMPORTED_LOCATION "${_gaugelink_prefix}/lib/libgaugelink.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_gaugelink_prefix}/include"
    INTERFACE_LINK_LIBRARIES "gcc_s;pthread;dl;m")
endif()
set(GAUGELINK_PLUGIN_DIR "${_gaugelink_prefix}/lib/gaugelink/plugins")
END
sed -i "s/@MAJOR@/$major/" "$lib/cmake/gaugelink/gaugelink-config.cmake"

cat > "$lib/cmake/gaugelink/gaugelink-config-version.cmake" <<END
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR
   NOT PACKAGE_FIND_VERSION_MAJOR STREQUAL "$major")
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
END
