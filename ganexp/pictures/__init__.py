"""Pictures of samples: grids of images, points over their density, animations."""
