/// Lets `Arc` and `Box` of a port be the port.
macro_rules! forward {
    ($port:ident $methods:tt) => {
        $crate::ports::forward::forward_through!(Arc, $port $methods);
        $crate::ports::forward::forward_through!(Box, $port $methods);
    };
}

macro_rules! forward_through {
    ($pointer:ident, $port:ident {
        $(fn $name:ident $(<$life:lifetime>)? ($($given:ident: $type:ty),*) -> $out:ty;)*
    }) => {
        impl<T: $port + ?Sized> $port for $pointer<T> {
            $(fn $name $(<$life>)? (&$($life)? self, $($given: $type),*) -> $out {
                (**self).$name($($given),*)
            })*
        }
    };
}

pub(crate) use {forward, forward_through};
